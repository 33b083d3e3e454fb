#include "ingest-service/alertmanager/sender_auth_config.h"

#include <algorithm>
#include <cctype>

#include "ingest-service/prometheus/http_client_config.h"

namespace alertjoin {
namespace {

constexpr Millis kWindowMost = std::chrono::hours(24);

std::string ReadHeaderName(YamlNode node) {
  const std::string name = node.String("");
  const bool fits = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!fits) node.Fault("expected the name of a header, such as X-Signature");
  return name;
}

std::optional<HmacOptions> ReadHmac(YamlNode node) {
  if (!node.present()) return std::nullopt;
  HmacOptions hmac;
  hmac.secret = ReadSecretText(node, "secret", true);
  if (hmac.secret.empty()) node.Fault("hmac needs secret or secret_file");
  hmac.header = ReadHeaderName(node.Child("header"));
  hmac.timestamp_header = ReadHeaderName(node.Child("timestamp_header"));
  YamlNode window = node.Child("window");
  hmac.window = window.Duration(hmac.window, Millis(1000), kWindowMost);
  if (window.present() && hmac.timestamp_header.empty()) {
    window.Fault("window needs a timestamp_header: without one there is no time that is signed");
  }
  node.Finish();
  return hmac;
}

}  // namespace

SenderAuthOptions ReadSenderAuth(YamlNode node) {
  SenderAuthOptions auth;
  YamlNode basic_auth = node.Child("basic_auth");
  auth.basic_auth = ReadBasicAuth(basic_auth);
  if (auth.basic_auth.has_value() &&
      (auth.basic_auth->password.empty() ||
       (auth.basic_auth->username.empty() && auth.basic_auth->username_file.empty()))) {
    basic_auth.Fault("basic_auth of an alert source needs a user name and a password");
  }
  YamlNode authorization = node.Child("authorization");
  auth.authorization = ReadAuthorization(authorization);
  if (auth.basic_auth.has_value() && auth.authorization.has_value()) {
    authorization.Fault("give basic_auth or authorization, not both");
  }
  auth.hmac = ReadHmac(node.Child("hmac"));
  return auth;
}

}  // namespace alertjoin
