#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/status/error_reason.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Fields that many requests have in common. Errors are INVALID_ARGUMENT with reason and field.

// What is asked for, or the default, or the most there may be. INVALID_PAGE_SIZE when negative.
absl::StatusOr<size_t> DecodePageSize(int32_t page_size, int32_t otherwise, int32_t most,
                                      const std::string& field = "page_size");

// A half-open range of time; open where nothing is set.
struct TimeRange {
  std::optional<Timestamp> from;
  std::optional<Timestamp> to;
  // Equal ranges have equal texts.
  std::string ToString() const;
};

// INVALID_TIME_RANGE when a time is none, or `from` is after `to`. Null: not set.
absl::StatusOr<TimeRange> DecodeTimeRange(const google::protobuf::Timestamp* from,
                                          const google::protobuf::Timestamp* to);
template <typename Request>
absl::StatusOr<TimeRange> DecodeTimeRange(const Request& request) {
  return DecodeTimeRange(request.has_from() ? &request.from() : nullptr,
                         request.has_to() ? &request.to() : nullptr);
}

// `otherwise` when null. The given reason when it is no span, or not from `least` to `most`.
absl::StatusOr<Millis> DecodeSpanField(const google::protobuf::Duration* span,
                                       const std::string& field, InvalidArgument reason,
                                       Millis otherwise, Millis least, Millis most);

}  // namespace alertjoin
