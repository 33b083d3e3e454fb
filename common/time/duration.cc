#include "common/time/duration.h"

#include <fmt/format.h>

#include <array>

#include "common/status/status.h"

namespace alertjoin {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};
constexpr std::array<Unit, 7> kUnits = {{{"y", 365LL * 86'400'000},
                                         {"w", 7LL * 86'400'000},
                                         {"d", 86'400'000},
                                         {"h", 3'600'000},
                                         {"m", 60'000},
                                         {"s", 1'000},
                                         {"ms", 1}}};
constexpr int64_t kMaxMs = 10'000 * kUnits[0].ms;

absl::Status Malformed(std::string_view text) {
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is not a duration such as 30s, 5m or 1h30m", Excerpt(text)));
}

}  // namespace

absl::StatusOr<Millis> ParseDuration(std::string_view text) {
  if (text == "0") return Millis(0);
  if (text.empty()) return Malformed(text);
  std::string_view rest = text;
  int64_t total_ms = 0;
  size_t next_unit = 0;
  while (!rest.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
      number = number * 10 + (rest[digits] - '0');
      // Any number of zeros may stand before.
      if (number > kMaxMs) return Malformed(text);
      ++digits;
    }
    if (digits == 0) return Malformed(text);
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const std::string_view name = rest.substr(0, letters);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return Malformed(text);
    const int64_t unit_ms = kUnits[next_unit++].ms;
    if (number > kMaxMs / unit_ms) return Malformed(text);
    total_ms += number * unit_ms;
    rest.remove_prefix(letters);
  }
  if (total_ms > kMaxMs) return Malformed(text);
  return Millis(total_ms);
}

std::string FormatDuration(Millis span) {
  CHECK(span.count() >= 0);
  if (span.count() == 0) return "0s";
  std::string text;
  int64_t rest_ms = span.count();
  for (const Unit& unit : kUnits) {
    if (rest_ms < unit.ms) continue;
    text += fmt::format("{}{}", rest_ms / unit.ms, unit.name);
    rest_ms %= unit.ms;
  }
  return text;
}

}  // namespace alertjoin
