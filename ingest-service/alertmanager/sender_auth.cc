#include "ingest-service/alertmanager/sender_auth.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/http_credentials.h"

namespace alertjoin {
namespace {

constexpr size_t kDigestBytes = 32;
using Digest = std::array<unsigned char, kDigestBytes>;
// Grafana's documentation has the first, the code of some versions the second.
constexpr const char* kGrafanaHeaders[] = {"x-grafana-alerting-signature",
                                           "x-grafana-alert-signature"};
constexpr size_t kTimestampDigitsMax = 12;

Digest DigestOf(std::string_view text) {
  Digest digest{};
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return digest;
}

// Of digests, so that not even the length shows in the time.
bool SameSecret(std::string_view a, std::string_view b) {
  const Digest of_a = DigestOf(a);
  const Digest of_b = DigestOf(b);
  return CRYPTO_memcmp(of_a.data(), of_b.data(), kDigestBytes) == 0;
}

std::string SignatureOf(const std::string& secret, const std::string& text) {
  Digest digest{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(),
             &size) != nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

// What a sender cannot help.
SenderAuth::Denial NoSecret(const absl::Status& why) {
  static LogLimiter limiter(std::chrono::seconds(10));
  if (limiter.Allow()) {
    LogError("the secret of an alert source cannot be read: its senders are refused",
             {{"error", MessageOf(why)}});
  }
  return {503, "secret_not_readable", "the secret of this alert source cannot be read here", ""};
}

// The scheme of an Authorization header, and what follows it.
std::pair<std::string_view, std::string_view> SplitAuthorization(std::string_view header) {
  const size_t space = header.find(' ');
  if (space == header.npos) return {header, {}};
  std::string_view token = header.substr(space + 1);
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  return {header.substr(0, space), token};
}

}  // namespace

std::optional<SenderAuth::Denial> SenderAuth::Check(const HttpRequest& request) const {
  if (auto denial = CheckAuthorization(request)) return denial;
  return CheckSignature(request);
}

std::optional<SenderAuth::Denial> SenderAuth::CheckAuthorization(const HttpRequest& request) const {
  std::string scheme;
  std::string expected;
  if (options_.basic_auth.has_value()) {
    scheme = "Basic";
    const HttpBasicAuth& auth = *options_.basic_auth;
    const auto user =
        ReadSecretLine({Secret(auth.username), auth.username_file}, "basic_auth.username_file");
    if (!user.ok()) return NoSecret(user.status());
    const auto password = ReadSecretLine(auth.password, "basic_auth.password_file");
    if (!password.ok()) return NoSecret(password.status());
    expected = absl::Base64Escape(*user + ":" + *password);
  } else if (options_.authorization.has_value()) {
    scheme = options_.authorization->type;
    const auto token =
        ReadSecretLine(options_.authorization->credentials, "authorization.credentials_file");
    if (!token.ok()) return NoSecret(token.status());
    expected = *token;
  } else {
    return std::nullopt;
  }
  const std::string header = request.Header("authorization");
  const std::string challenge = scheme + " realm=\"alertjoin\"";
  if (header.empty()) {
    return Denial{401, "no_credentials",
                  "this alert source wants credentials: Authorization: " + scheme, challenge};
  }
  const auto [sent_scheme, token] = SplitAuthorization(header);
  if (absl::AsciiStrToLower(std::string(sent_scheme)) != absl::AsciiStrToLower(scheme) ||
      !SameSecret(token, expected)) {
    return Denial{401, "wrong_credentials", "these are not the credentials of this alert source",
                  challenge};
  }
  return std::nullopt;
}

std::optional<SenderAuth::Denial> SenderAuth::CheckSignature(const HttpRequest& request) const {
  if (!options_.hmac.has_value()) return std::nullopt;
  const HmacOptions& hmac = *options_.hmac;
  std::string signature;
  if (hmac.header.empty()) {
    for (const char* name : kGrafanaHeaders) {
      if (signature.empty()) signature = request.Header(name);
    }
  } else {
    signature = request.Header(absl::AsciiStrToLower(hmac.header));
  }
  if (signature.empty()) {
    return Denial{
        403, "no_signature",
        "this alert source wants signed requests: the header with the signature is missing", ""};
  }
  std::string signed_text;
  if (!hmac.timestamp_header.empty()) {
    const std::string timestamp = request.Header(absl::AsciiStrToLower(hmac.timestamp_header));
    if (timestamp.empty()) {
      return Denial{403, "no_timestamp", "the header " + hmac.timestamp_header + " is missing", ""};
    }
    if (!IsFresh(timestamp)) {
      return Denial{403, "old_timestamp",
                    "the timestamp is no unix time near now: a request sent again, or a clock that "
                    "is wrong",
                    ""};
    }
    signed_text = timestamp + ":";
  }
  signed_text += request.body;
  const auto secret = ReadSecretLine(hmac.secret, "hmac.secret_file");
  if (!secret.ok()) return NoSecret(secret.status());
  if (!SameSecret(absl::AsciiStrToLower(signature), SignatureOf(*secret, signed_text))) {
    return Denial{403, "wrong_signature",
                  "the signature is not that of this body with the secret of this alert source",
                  ""};
  }
  return std::nullopt;
}

bool SenderAuth::IsFresh(const std::string& timestamp) const {
  int64_t seconds = 0;
  if (timestamp.size() > kTimestampDigitsMax ||
      !std::all_of(timestamp.begin(), timestamp.end(),
                   [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(timestamp, &seconds)) {
    return false;
  }
  const Millis off = clock_.Now() - Timestamp::FromMillis(seconds * 1000);
  // It is in whole seconds: it may seem up to one too early.
  return off >= -options_.hmac->window && off <= options_.hmac->window + std::chrono::seconds(1);
}

}  // namespace alertjoin
