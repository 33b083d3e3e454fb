#include "ingest-service/prometheus/http_credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/config/small_file.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kReplacedBytesLeast = 4;

std::string Trimmed(const std::string& text) {
  constexpr char kSpaces[] = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

absl::Status FileFault(std::string_view key, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("{}: {}", key, why));
}

// The text itself, or all of its file.
absl::StatusOr<std::string> Read(const SecretText& secret, std::string_view key) {
  if (secret.file.empty()) return secret.text.Reveal();
  auto text = ReadSmallFile(secret.file);
  if (!text.ok()) return FileFault(key, MessageOf(text.status()));
  if (text->empty()) return FileFault(key, secret.file + ": is empty");
  return text;
}

void AddSecret(const std::string& secret, HttpCredentials& credentials) {
  credentials.secrets.emplace_back(secret);
  std::string quoted;
  for (const char c : secret) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  if (quoted != secret) credentials.secrets.emplace_back(std::move(quoted));
}

absl::Status AddBasicAuth(const HttpBasicAuth& auth, HttpCredentials& credentials) {
  const SecretText username{Secret(auth.username), auth.username_file};
  ASSIGN_OR_RETURN(const std::string user, ReadSecretLine(username, "username_file"));
  ASSIGN_OR_RETURN(const std::string password, ReadSecretLine(auth.password, "password_file"));
  const std::string pair = absl::Base64Escape(user + ":" + password);
  credentials.headers.push_back("Authorization: Basic " + pair);
  credentials.secrets.emplace_back(pair);
  AddSecret(password, credentials);
  return absl::OkStatus();
}

absl::Status AddAuthorization(const HttpAuthorization& authorization,
                              HttpCredentials& credentials) {
  ASSIGN_OR_RETURN(const std::string token,
                   ReadSecretLine(authorization.credentials, "credentials_file"));
  credentials.headers.push_back(fmt::format("Authorization: {} {}", authorization.type, token));
  AddSecret(token, credentials);
  return absl::OkStatus();
}

absl::Status AddHeader(const HttpHeaderOptions& header, HttpCredentials& credentials) {
  for (const std::string& value : header.values) {
    credentials.headers.push_back(fmt::format("{}: {}", header.name, value));
  }
  for (const SecretText& secret : header.secrets) {
    ASSIGN_OR_RETURN(const std::string value,
                     ReadSecretLine(secret, "http_headers: " + header.name));
    credentials.headers.push_back(fmt::format("{}: {}", header.name, value));
    AddSecret(value, credentials);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const TlsMaterial>> ReadTls(const TlsClientOptions& options) {
  auto tls = std::make_shared<TlsMaterial>();
  ASSIGN_OR_RETURN(tls->ca, Read(options.ca, "ca_file"));
  ASSIGN_OR_RETURN(tls->cert, Read(options.cert, "cert_file"));
  ASSIGN_OR_RETURN(std::string key, Read(options.key, "key_file"));
  tls->key = Secret(std::move(key));
  tls->server_name = options.server_name;
  tls->insecure_skip_verify = options.insecure_skip_verify;
  tls->min_version = options.min_version;
  tls->max_version = options.max_version;
  return tls;
}

}  // namespace

absl::StatusOr<std::string> ReadSecretLine(const SecretText& secret, std::string_view key) {
  if (secret.file.empty()) return secret.text.Reveal();
  ASSIGN_OR_RETURN(const std::string text, Read(secret, key));
  std::string line = Trimmed(text);
  if (line.empty()) return FileFault(key, secret.file + ": is empty");
  const bool fits =
      std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!fits) return FileFault(key, secret.file + ": has a line break or control character inside");
  return line;
}

absl::StatusOr<HttpCredentials> ReadCredentials(const HttpClientOptions& options) {
  HttpCredentials credentials;
  if (options.basic_auth.has_value()) {
    RETURN_IF_ERROR(AddBasicAuth(*options.basic_auth, credentials));
  }
  if (options.authorization.has_value()) {
    RETURN_IF_ERROR(AddAuthorization(*options.authorization, credentials));
  }
  for (const HttpHeaderOptions& header : options.headers) {
    RETURN_IF_ERROR(AddHeader(header, credentials));
  }
  ASSIGN_OR_RETURN(credentials.tls, ReadTls(options.tls));
  return credentials;
}

absl::Status CheckFiles(const HttpClientOptions& options) {
  return ReadCredentials(options).status();
}

std::string WithoutSecrets(std::string text, const std::vector<Secret>& secrets) {
  for (const Secret& secret : secrets) {
    const std::string& sought = secret.Reveal();
    if (sought.size() < kReplacedBytesLeast) continue;
    for (size_t at = text.find(sought); at != std::string::npos;
         at = text.find(sought, at + kShownSecret.size())) {
      text.replace(at, sought.size(), kShownSecret);
    }
  }
  return text;
}

}  // namespace alertjoin
