#include "common/time/time_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

constexpr int64_t kMillisFrom = 100'000'000'000;
constexpr size_t kDigitsMax = 15;
constexpr size_t kFractionDigitsMax = 9;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool InRange(int64_t ms) {
  return ms >= Timestamp::Min().millis() && ms <= Timestamp::Max().millis();
}

std::optional<Timestamp> ParseUnix(std::string_view text) {
  size_t at = 0;
  int64_t whole = 0;
  while (at < text.size() && at <= kDigitsMax && IsDigit(text[at])) {
    whole = whole * 10 + (text[at++] - '0');
  }
  if (at == 0 || at > kDigitsMax) return std::nullopt;
  int64_t fraction_ms = 0;
  if (at < text.size() && text[at] == '.') {
    const std::string_view digits = text.substr(++at);
    if (digits.empty() || digits.size() > kFractionDigitsMax) return std::nullopt;
    if (!std::all_of(digits.begin(), digits.end(), IsDigit)) return std::nullopt;
    for (size_t i = 0; i < 3; ++i) {
      fraction_ms = fraction_ms * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    }
    at = text.size();
  }
  if (at != text.size()) return std::nullopt;
  const int64_t ms = whole >= kMillisFrom ? whole : whole * 1000 + fraction_ms;
  if (!InRange(ms)) return std::nullopt;
  return Timestamp::FromMillis(ms);
}

std::optional<Timestamp> FloorToUnit(Timestamp time, char unit) {
  using std::chrono::days;
  const std::chrono::sys_time<Millis> exact{Millis(time.millis())};
  const auto day = std::chrono::floor<days>(exact);
  const std::chrono::year_month_day date(day);
  std::chrono::sys_time<Millis> floored;
  switch (unit) {
    case 's':
      floored = std::chrono::floor<std::chrono::seconds>(exact);
      break;
    case 'm':
      floored = std::chrono::floor<std::chrono::minutes>(exact);
      break;
    case 'h':
      floored = std::chrono::floor<std::chrono::hours>(exact);
      break;
    case 'd':
      floored = day;
      break;
    case 'w':
      floored = day - (std::chrono::weekday(day) - std::chrono::Monday);
      break;
    case 'M':
      floored = std::chrono::sys_days(date.year() / date.month() / 1);
      break;
    case 'y':
      floored = std::chrono::sys_days(date.year() / 1 / 1);
      break;
    default:
      return std::nullopt;
  }
  return Timestamp::FromMillis(floored.time_since_epoch().count());
}

// What follows `now`: moves and roundings.
std::optional<Timestamp> Move(Timestamp time, std::string_view moves) {
  while (!moves.empty()) {
    const char sign = moves.front();
    moves.remove_prefix(1);
    const std::string_view operand = moves.substr(0, moves.find_first_of("+-/"));
    moves.remove_prefix(operand.size());
    if (sign == '/') {
      const auto floored = operand.size() == 1 ? FloorToUnit(time, operand.front()) : std::nullopt;
      if (!floored.has_value()) return std::nullopt;
      time = *floored;
    } else if (sign == '+' || sign == '-') {
      const auto span = ParseDuration(operand);
      if (!span.ok()) return std::nullopt;
      time = sign == '+' ? time + *span : time - *span;
    } else {
      return std::nullopt;
    }
    if (!InRange(time.millis())) return std::nullopt;
  }
  return time;
}

}  // namespace

absl::StatusOr<Timestamp> ParseTimePoint(std::string_view text, Timestamp now) {
  constexpr std::string_view kNow = "now";
  if (text.starts_with(kNow)) {
    if (const auto time = Move(now, text.substr(kNow.size()))) return *time;
  } else if (const auto unix_time = ParseUnix(text)) {
    return *unix_time;
  } else if (auto time = ParseRfc3339(text); time.ok()) {
    return time;
  }
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is not a time such as now-30d, now/d, 2026-03-01T10:00:00Z or 1772000000",
                  Excerpt(text)));
}

}  // namespace alertjoin
