#include "ingest-service/prometheus/generator_url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "common/text/url_query.h"

namespace alertjoin {
namespace {

constexpr std::string_view kExpressionParameter = "g0.expr";

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

UrlHandle Parse(std::string_view url) {
  if (url.empty() || url.size() > kUrlBytesMax) return nullptr;
  if (url.find('\0') != std::string_view::npos) return nullptr;
  UrlHandle handle(curl_url());
  if (handle == nullptr) return nullptr;
  // Query strings with spaces in them have been seen; they do no harm here.
  if (curl_url_set(handle.get(), CURLUPART_URL, std::string(url).c_str(), CURLU_ALLOW_SPACE) !=
      CURLUE_OK) {
    return nullptr;
  }
  return handle;
}

std::string Part(const UrlHandle& handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), part, &text, flags) != CURLUE_OK) return "";
  std::string result(text);
  curl_free(text);
  return result;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

std::optional<WebAddress> AddressOf(std::string_view url) {
  const UrlHandle handle = Parse(url);
  if (handle == nullptr) return std::nullopt;
  const std::string scheme = LowerCase(Part(handle, CURLUPART_SCHEME));
  const std::string host = LowerCase(Part(handle, CURLUPART_HOST));
  const std::string port = Part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (scheme != "http" && scheme != "https") return std::nullopt;
  if (host.empty() || port.empty()) return std::nullopt;
  std::string path = Part(handle, CURLUPART_PATH);
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
  const UrlHandle handle = Parse(url);
  if (handle == nullptr) return std::nullopt;
  const std::string query = Part(handle, CURLUPART_QUERY);
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
