#include "ingest-service/alertmanager/json_limits.h"

#include <fmt/format.h>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Brackets and separators outside strings are structure in every valid text; in an invalid one the
// count may be off, but then the parser refuses it.
absl::Status CheckLimits(std::string_view text) {
  size_t depth = 0;
  size_t separators = 0;
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kJsonDepthMax) {
        return absl::InvalidArgumentError(
            fmt::format("nested deeper than {} levels at byte {}", kJsonDepthMax, at));
      }
    } else if (c == ']' || c == '}') {
      if (depth > 0) --depth;
    } else if (c == ',' || c == ':') {
      if (++separators > kJsonSeparatorsMax) {
        return absl::InvalidArgumentError(fmt::format("more than {} values", kJsonSeparatorsMax));
      }
    }
  }
  return absl::OkStatus();
}

// The parser's words without its error number: "[json.exception.parse_error.101] parse error ...".
std::string WordsOf(const nlohmann::json::exception& error) {
  const std::string_view words = error.what();
  const size_t end = words.find("] ");
  return Excerpt(end == words.npos ? words : words.substr(end + 2), kLongExcerptBytes);
}

}  // namespace

absl::Status CheckJsonLimits(std::string_view text) {
  const absl::Status limits = CheckLimits(text);
  return limits.ok() ? limits : WithReason(limits, "OVER_LIMIT");
}

absl::Status NotJson(const nlohmann::json::exception& error) {
  const auto* const parse_error = dynamic_cast<const nlohmann::json::parse_error*>(&error);
  const std::string where =
      parse_error == nullptr ? "" : fmt::format("byte {}: ", parse_error->byte);
  return WithReason(
      absl::InvalidArgumentError(fmt::format("not JSON: {}{}", where, WordsOf(error))), "NOT_JSON");
}

absl::StatusOr<nlohmann::json> ParseJson(std::string_view text) {
  RETURN_IF_ERROR(CheckJsonLimits(text));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return NotJson(error);
  }
}

}  // namespace alertjoin
