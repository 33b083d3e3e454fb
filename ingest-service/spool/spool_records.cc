#include "ingest-service/spool/spool_records.h"

#include <fmt/format.h>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
#include "common/eventlog/event_log.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// The part [begin, end) of the column.
template <typename T>
std::vector<T> Part(const std::vector<T>& column, size_t begin, size_t end) {
  const auto at = [&column](size_t i) { return column.begin() + static_cast<std::ptrdiff_t>(i); };
  return {at(begin), at(end)};
}

SampleBatch Slice(const SampleBatch& batch, size_t begin, size_t end) {
  SampleBatch slice;
  slice.series = batch.series;
  slice.series_index = Part(batch.series_index, begin, end);
  slice.times = Part(batch.times, begin, end);
  slice.values = Part(batch.values, begin, end);
  slice.received_time = batch.received_time;
  return slice;
}

absl::Status TooLarge(size_t bytes) {
  return WithReason(
      absl::InvalidArgumentError(fmt::format(
          "spool: an event has {} bytes when encoded, at most {}", bytes, kEventBytesMax)),
      "EVENT_TOO_LARGE");
}

// Adds the event as one record, or as several when it is a sample batch too large for one.
absl::Status AddRecords(const Event& event, std::vector<std::string>* records) {
  const auto* batch = std::get_if<SampleBatch>(&event);
  const bool divisible = batch != nullptr && batch->size() > 1;
  std::string record = EncodeRecord(event);
  if (record.size() <= (divisible ? kSampleBatchBytesMax : kEventBytesMax)) {
    records->push_back(std::move(record));
    return absl::OkStatus();
  }
  if (!divisible) return TooLarge(record.size());
  const size_t half = batch->size() / 2;
  RETURN_IF_ERROR(AddRecords(Slice(*batch, 0, half), records));
  return AddRecords(Slice(*batch, half, batch->size()), records);
}

template <typename OneEvent>
absl::Status AddRecord(const OneEvent& event, std::vector<std::string>* records) {
  RETURN_IF_ERROR(CheckEvent(event));
  records->push_back(EncodeRecord(event));
  const size_t bytes = records->back().size();
  return bytes <= kEventBytesMax ? absl::OkStatus() : TooLarge(bytes);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> EncodeSpoolRecords(
    std::span<const TransitionEvent> transitions, const std::optional<RawPayload>& payload) {
  std::vector<std::string> records;
  records.reserve(transitions.size() + 1);
  for (const TransitionEvent& transition : transitions) {
    RETURN_IF_ERROR(AddRecord(transition, &records));
  }
  if (payload.has_value()) RETURN_IF_ERROR(AddRecord(*payload, &records));
  return records;
}

absl::StatusOr<std::vector<std::string>> EncodeSpoolRecords(std::span<const Event> events) {
  std::vector<std::string> records;
  for (const Event& event : events) {
    RETURN_IF_ERROR(CheckEvent(event));
    RETURN_IF_ERROR(AddRecords(event, &records));
  }
  return records;
}

uint64_t SpoolBytesOf(std::span<const std::string> records) {
  uint64_t bytes = 0;
  for (const std::string& record : records) bytes += record.size() + EventLog::kRecordOverheadBytes;
  return bytes;
}

}  // namespace alertjoin
