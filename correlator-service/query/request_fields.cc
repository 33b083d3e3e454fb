#include "correlator-service/query/request_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "common/time/duration.h"
#include "correlator-service/codec/filter_codec.h"

namespace alertjoin {
namespace {

absl::StatusOr<Timestamp> DecodeTimeField(const google::protobuf::Timestamp& time,
                                          const char* field) {
  const auto decoded = DecodeTime(time);
  if (!decoded.ok()) {
    return InvalidField("INVALID_TIME_RANGE", field, MessageOf(decoded.status()));
  }
  return decoded;
}

}  // namespace

absl::StatusOr<size_t> DecodePageSize(int32_t page_size, int32_t otherwise, int32_t most,
                                      const std::string& field) {
  if (page_size < 0) {
    return InvalidField("INVALID_PAGE_SIZE", field,
                        fmt::format("expected at least 0, found {}", page_size));
  }
  return static_cast<size_t>(page_size == 0 ? otherwise : std::min(page_size, most));
}

std::string TimeRange::ToString() const {
  const auto millis = [](const std::optional<Timestamp>& time) {
    return time.has_value() ? fmt::to_string(time->millis()) : std::string("none");
  };
  return fmt::format("from={} to={}", millis(from), millis(to));
}

absl::StatusOr<TimeRange> DecodeTimeRange(const google::protobuf::Timestamp* from,
                                          const google::protobuf::Timestamp* to) {
  TimeRange range;
  if (from != nullptr) {
    ASSIGN_OR_RETURN(range.from, DecodeTimeField(*from, "from"));
  }
  if (to != nullptr) {
    ASSIGN_OR_RETURN(range.to, DecodeTimeField(*to, "to"));
  }
  if (range.from.has_value() && range.to.has_value() && *range.from > *range.to) {
    return InvalidField("INVALID_TIME_RANGE", "from", "expected a time at or before `to`");
  }
  return range;
}

absl::StatusOr<Millis> DecodeSpanField(const google::protobuf::Duration* span,
                                       const std::string& field, InvalidArgument reason,
                                       Millis otherwise, Millis least, Millis most) {
  if (span == nullptr) return otherwise;
  const auto decoded = DecodeSpan(*span);
  if (!decoded.ok()) return InvalidField(reason, field, MessageOf(decoded.status()));
  if (*decoded < least || *decoded > most) {
    return InvalidField(reason, field,
                        fmt::format("expected a duration from {} to {}", FormatDuration(least),
                                    FormatDuration(most)));
  }
  return decoded;
}

}  // namespace alertjoin
