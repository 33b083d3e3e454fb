#include "ingest-service/prometheus/http_client_config.h"

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/prometheus/parsed_url.h"

namespace alertjoin {
namespace {

constexpr uint64_t kResponseBytesLeast = 1 << 10;
constexpr uint64_t kResponseBytesMost = uint64_t{4} << 30;
constexpr size_t kNameBytesShown = 64;

// Set by us or by the transport; another value would break the call.
constexpr std::array<std::string_view, 20> kReservedHeaders = {"accept",
                                                               "accept-encoding",
                                                               "authorization",
                                                               "connection",
                                                               "content-encoding",
                                                               "content-length",
                                                               "content-type",
                                                               "expect",
                                                               "host",
                                                               "keep-alive",
                                                               "location",
                                                               "proxy-authenticate",
                                                               "proxy-connection",
                                                               "proxy-authorization",
                                                               "te",
                                                               "trailer",
                                                               "transfer-encoding",
                                                               "upgrade",
                                                               "www-authenticate",
                                                               "user-agent"};

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Control characters would end the header line, and begin another one.
std::string CheckHeaderText(const YamlNode& node, std::string text) {
  const bool fits =
      std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (!fits) node.Fault("a header cannot have line breaks or control characters");
  return text;
}

std::string HeaderText(YamlNode node) { return CheckHeaderText(node, node.String("")); }
std::string HeaderSecret(YamlNode node) { return CheckHeaderText(node, node.SecretString()); }

TlsClientOptions::Version ReadVersion(YamlNode node) {
  using Version = TlsClientOptions::Version;
  if (!node.present()) return Version::kDefault;
  const std::string name = node.String("");
  if (name == "TLS10") return Version::k10;
  if (name == "TLS11") return Version::k11;
  if (name == "TLS12") return Version::k12;
  if (name == "TLS13") return Version::k13;
  node.Fault("expected TLS10, TLS11, TLS12 or TLS13");
  return Version::kDefault;
}

TlsClientOptions ReadTls(YamlNode node) {
  using Version = TlsClientOptions::Version;
  TlsClientOptions tls;
  tls.ca = ReadSecretText(node, "ca", false);
  tls.cert = ReadSecretText(node, "cert", false);
  tls.key = ReadSecretText(node, "key", false);
  if (tls.cert.empty() != tls.key.empty()) {
    node.Fault("a client certificate needs both, cert_file and key_file (or cert and key)");
  }
  YamlNode server_name = node.Child("server_name");
  tls.server_name = server_name.String("");
  const bool is_host = std::all_of(
      tls.server_name.begin(), tls.server_name.end(),
      [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_'; });
  if (!is_host) server_name.Fault("expected the name of a host, without a port");
  tls.insecure_skip_verify = node.Child("insecure_skip_verify").Bool(false);
  tls.min_version = ReadVersion(node.Child("min_version"));
  YamlNode max_version = node.Child("max_version");
  tls.max_version = ReadVersion(max_version);
  const Version min = tls.min_version == Version::kDefault ? Version::k12 : tls.min_version;
  if (tls.max_version != Version::kDefault && tls.max_version < min) {
    max_version.Fault("max_version is below min_version (TLS12 unless given)");
  }
  node.Finish();
  return tls;
}

std::vector<HttpHeaderOptions> ReadHeaders(YamlNode node) {
  std::vector<HttpHeaderOptions> headers;
  for (auto& [name, child] : node.Entries()) {
    HttpHeaderOptions header;
    header.name = name;
    if (!IsHeaderName(name)) {
      child.Fault(fmt::format("\"{}\" is no name of a header", Excerpt(name, kNameBytesShown)));
    } else if (std::find(kReservedHeaders.begin(), kReservedHeaders.end(),
                         absl::AsciiStrToLower(name)) != kReservedHeaders.end()) {
      child.Fault(
          fmt::format("the header {} cannot be set here{}", name,
                      absl::AsciiStrToLower(name) == "authorization" ? ": use authorization" : ""));
    }
    for (YamlNode& value : child.Child("values").Items())
      header.values.push_back(HeaderText(value));
    for (YamlNode& secret : child.Child("secrets").Items()) {
      header.secrets.push_back({Secret(HeaderSecret(secret)), ""});
    }
    for (YamlNode& file : child.Child("files").Items()) {
      header.secrets.push_back({Secret(), file.FilePath()});
    }
    if (header.values.empty() && header.secrets.empty()) {
      child.Fault("a header needs values, secrets or files");
    }
    child.Finish();
    headers.push_back(std::move(header));
  }
  return headers;
}

// Of schemes that libcurl does not speak, too.
std::optional<ParsedUrl> ParseUrl(const std::string& text) {
  return ParsedUrl::Parse(text, CURLU_NON_SUPPORT_SCHEME);
}

Secret ReadProxyUrl(YamlNode node) {
  if (!node.present()) return Secret();
  const std::string text = node.SecretString();
  // Nothing to hide without a user in it.
  if (text.find('@') == std::string::npos) node.String("");
  const auto url = ParseUrl(text);
  const std::string scheme = url.has_value() ? url->Scheme() : "";
  if (scheme != "http" && scheme != "https" && scheme != "socks5" && scheme != "socks5h") {
    node.Fault("proxy_url is a URL that begins with http://, https://, socks5:// or socks5h://");
    return Secret();
  }
  return Secret(text);
}

void RefuseOthers(YamlNode& node) {
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"bearer_token", "use authorization with credentials"},
      {"bearer_token_file", "use authorization with credentials_file"},
      {"oauth2",
       "OAuth 2.0 is not supported: use authorization with credentials_file, and have the "
       "file renewed"},
  };
  for (const auto& [name, advice] : kOthers) {
    if (YamlNode other = node.Child(name); other.present()) other.Fault(advice);
  }
}

}  // namespace

SecretText ReadSecretText(YamlNode& node, const std::string& name, bool in_header) {
  SecretText secret;
  YamlNode text = node.Child(name);
  YamlNode file = node.Child(name + "_file");
  secret.text = Secret(in_header ? HeaderSecret(text) : text.SecretString());
  secret.file = file.FilePath();
  if (text.present() && file.present()) {
    file.Fault(fmt::format("give {} or {}_file, not both", name, name));
  }
  return secret;
}

std::optional<HttpBasicAuth> ReadBasicAuth(YamlNode node) {
  if (!node.present()) return std::nullopt;
  HttpBasicAuth auth;
  YamlNode username = node.Child("username");
  YamlNode username_file = node.Child("username_file");
  auth.username = HeaderText(username);
  auth.username_file = username_file.FilePath();
  if (username.present() && username_file.present()) {
    username_file.Fault("give username or username_file, not both");
  }
  if (auth.username.find(':') != std::string::npos) {
    username.Fault("a user name for basic_auth cannot have a colon");
  }
  auth.password = ReadSecretText(node, "password", true);
  node.Finish();
  return auth;
}

std::optional<HttpAuthorization> ReadAuthorization(YamlNode node) {
  if (!node.present()) return std::nullopt;
  HttpAuthorization authorization;
  YamlNode type = node.Child("type");
  authorization.type = CheckHeaderText(type, type.String(authorization.type));
  if (absl::AsciiStrToLower(authorization.type) == "basic") {
    type.Fault("for the type Basic, use basic_auth with username and password");
  } else if (!IsHeaderName(authorization.type)) {
    type.Fault("the type is one word, such as Bearer");
  }
  authorization.credentials = ReadSecretText(node, "credentials", true);
  if (authorization.credentials.empty()) {
    node.Fault("authorization needs credentials or credentials_file");
  }
  node.Finish();
  return authorization;
}

HttpClientOptions ReadHttpClient(YamlNode node) {
  HttpClientOptions options;
  options.basic_auth = ReadBasicAuth(node.Child("basic_auth"));
  YamlNode authorization = node.Child("authorization");
  options.authorization = ReadAuthorization(authorization);
  if (options.basic_auth.has_value() && options.authorization.has_value()) {
    authorization.Fault("give basic_auth or authorization, not both");
  }
  options.tls = ReadTls(node.Child("tls_config"));
  options.headers = ReadHeaders(node.Child("http_headers"));
  options.follow_redirects = node.Child("follow_redirects").Bool(options.follow_redirects);
  options.proxy_url = ReadProxyUrl(node.Child("proxy_url"));
  YamlNode no_proxy = node.Child("no_proxy");
  options.no_proxy = no_proxy.String("");
  if (no_proxy.present() && options.proxy_url.empty()) {
    no_proxy.Fault("no_proxy needs a proxy_url");
  }
  options.response_bytes_max =
      node.Child("response_bytes_max")
          .Bytes(options.response_bytes_max, kResponseBytesLeast, kResponseBytesMost);
  RefuseOthers(node);
  return options;
}

std::string ReadHttpUrl(YamlNode node) {
  std::string text = node.RequiredString();
  if (text.empty()) return text;
  const auto url = ParseUrl(text);
  const std::string scheme = url.has_value() ? url->Scheme() : "";
  if (scheme != "http" && scheme != "https") {
    node.Fault("expected a URL that begins with http:// or https://");
  } else if (url->Part(CURLUPART_USER).has_value() || url->Part(CURLUPART_PASSWORD).has_value()) {
    node.Fault(
        "a URL cannot have a user or password in it, since URLs are shown in logs: use "
        "basic_auth");
  } else if (url->Part(CURLUPART_QUERY).has_value() || url->Part(CURLUPART_FRAGMENT).has_value()) {
    node.Fault(
        "expected a URL without a query (?) or fragment (#), since paths are appended to it");
  } else {
    return text;
  }
  return "";
}

}  // namespace alertjoin
