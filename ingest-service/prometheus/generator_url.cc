#include "ingest-service/prometheus/generator_url.h"

#include <absl/strings/ascii.h>

#include <algorithm>

#include "common/text/url_query.h"
#include "ingest-service/prometheus/parsed_url.h"

namespace alertjoin {
namespace {

constexpr std::string_view kExpressionParameter = "g0.expr";

std::optional<ParsedUrl> Parse(std::string_view url) {
  if (url.empty() || url.size() > kUrlBytesMax) return std::nullopt;
  // Query strings with spaces in them have been seen; they do no harm here.
  return ParsedUrl::Parse(url, CURLU_ALLOW_SPACE);
}

}  // namespace

std::optional<WebAddress> AddressOf(std::string_view url) {
  const auto parsed = Parse(url);
  if (!parsed.has_value()) return std::nullopt;
  const std::string scheme = parsed->Scheme();
  const std::string host = absl::AsciiStrToLower(parsed->Part(CURLUPART_HOST).value_or(""));
  const std::string port = parsed->Part(CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
  if (scheme != "http" && scheme != "https") return std::nullopt;
  if (host.empty() || port.empty()) return std::nullopt;
  std::string path = parsed->Part(CURLUPART_PATH).value_or("");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) path = "/";
  return WebAddress{scheme + "://" + host + ":" + port, path};
}

std::optional<std::string> OriginOf(std::string_view url) {
  auto address = AddressOf(url);
  if (!address.has_value()) return std::nullopt;
  return std::move(address->origin);
}

std::optional<std::string> ExpressionOfGeneratorUrl(std::string_view url) {
  const auto parsed = Parse(url);
  if (!parsed.has_value()) return std::nullopt;
  const std::string query = parsed->Part(CURLUPART_QUERY).value_or("");
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view parameter = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(parameter.size() + 1, rest.size()));
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (DecodeUrlQueryPart(parameter.substr(0, equals)) != kExpressionParameter) continue;
    auto expression = DecodeUrlQueryPart(parameter.substr(equals + 1));
    if (expression.has_value() && expression->empty()) return std::nullopt;
    return expression;
  }
  return std::nullopt;
}

std::string PercentEncode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kHex[byte >> 4];
      encoded += kHex[byte & 15];
    }
  }
  return encoded;
}

}  // namespace alertjoin
