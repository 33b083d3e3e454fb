#include "common/text/url_query.h"

#include <algorithm>

#include "common/text/hex.h"

namespace alertjoin {
namespace {

std::string DecodeOrKeep(std::string_view text) {
  auto decoded = DecodeUrlQueryPart(text);
  return decoded.has_value() ? *std::move(decoded) : std::string(text);
}

}  // namespace

std::optional<std::string> DecodeUrlQueryPart(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigitValue(text[i + 1]);
      const int low = HexDigitValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

std::multimap<std::string, std::string> ParseUrlQuery(std::string_view query) {
  std::multimap<std::string, std::string> parameters;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    parameters.emplace(DecodeOrKeep(part.substr(0, equals)), DecodeOrKeep(value));
  }
  return parameters;
}

}  // namespace alertjoin
