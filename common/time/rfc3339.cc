#include "common/time/rfc3339.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "common/status/status.h"

namespace alertjoin {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

// Reads fixed-width fields from the front of a text. Any failure makes `ok()` false for good.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool done() const { return rest_.empty(); }

  int Digits(size_t count) {
    if (rest_.size() < count) ok_ = false;
    int value = 0;
    for (size_t i = 0; ok_ && i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') ok_ = false;
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return value;
  }

  void Expect(char wanted) {
    if (!Skip(wanted)) ok_ = false;
  }

  bool Skip(char wanted) {
    if (!ok_ || rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // After a '.': 1 to 9 digits, as whole milliseconds (the rest is floored away).
  int Fraction() {
    int ms = 0;
    size_t digits = 0;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      if (digits < 3) ms = ms * 10 + (rest_.front() - '0');
      ++digits;
      rest_.remove_prefix(1);
    }
    if (digits == 0 || digits > 9) ok_ = false;
    for (; digits < 3; ++digits) ms *= 10;
    return ms;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// `Z` or an offset as minutes east of UTC.
int ReadOffsetMinutes(FieldReader& reader) {
  if (reader.Skip('Z') || reader.Skip('z')) return 0;
  const int sign = reader.Skip('-') ? -1 : 1;
  if (sign == 1) reader.Expect('+');
  const int hours = reader.Digits(2);
  reader.Expect(':');
  const int minutes = reader.Digits(2);
  if (hours > 23 || minutes > 59) return 24 * 60;
  return sign * (hours * 60 + minutes);
}

std::optional<Timestamp> Parse(std::string_view text) {
  FieldReader reader(text);
  const int y = reader.Digits(4);
  reader.Expect('-');
  const int mon = reader.Digits(2);
  reader.Expect('-');
  const int d = reader.Digits(2);
  if (!reader.Skip('T') && !reader.Skip('t')) return std::nullopt;
  const int hour = reader.Digits(2);
  reader.Expect(':');
  const int minute = reader.Digits(2);
  reader.Expect(':');
  const int second = reader.Digits(2);
  const int ms = reader.Skip('.') ? reader.Fraction() : 0;
  const int offset_minutes = ReadOffsetMinutes(reader);
  const year_month_day date{year(y), month(static_cast<unsigned>(mon)),
                            day(static_cast<unsigned>(d))};
  if (!reader.ok() || !reader.done() || y < 1 || !date.ok() || hour > 23 || minute > 59 ||
      second > 59 || offset_minutes == 24 * 60) {
    return std::nullopt;
  }
  const auto time = sys_days(date) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute - offset_minutes) + std::chrono::seconds(second) +
                    Millis(ms);
  const auto result =
      Timestamp::FromMillis(std::chrono::duration_cast<Millis>(time.time_since_epoch()).count());
  if (result < Timestamp::Min() || result > Timestamp::Max()) return std::nullopt;
  return result;
}

}  // namespace

absl::StatusOr<Timestamp> ParseRfc3339(std::string_view text) {
  if (const auto time = Parse(text)) return *time;
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\" is not an RFC 3339 time such as 2026-03-01T10:00:12.345Z", Excerpt(text)));
}

std::string FormatRfc3339(Timestamp time) {
  const auto since_epoch = std::chrono::sys_time<Millis>(Millis(time.millis()));
  const auto days = std::chrono::floor<std::chrono::days>(since_epoch);
  const year_month_day date(days);
  const std::chrono::hh_mm_ss clock(since_epoch - days);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace alertjoin
