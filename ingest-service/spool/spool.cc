#include "ingest-service/spool/spool.h"

#include <fmt/format.h>

#include <numeric>
#include <string>
#include <vector>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
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

// Adds the event as one record, or as several when it is a sample batch too large for one.
absl::Status AddRecords(const Event& event, std::vector<std::string>* records) {
  const auto* batch = std::get_if<SampleBatch>(&event);
  const bool divisible = batch != nullptr && batch->size() > 1;
  std::string record = EncodeRecord(event);
  if (record.size() <= (divisible ? kSampleBatchBytesMax : kEventBytesMax)) {
    records->push_back(std::move(record));
    return absl::OkStatus();
  }
  if (!divisible) {
    return WithReason(absl::InvalidArgumentError(
                          fmt::format("spool: an event has {} bytes when encoded, at most {}",
                                      record.size(), kEventBytesMax)),
                      "EVENT_TOO_LARGE");
  }
  const size_t half = batch->size() / 2;
  RETURN_IF_ERROR(AddRecords(Slice(*batch, 0, half), records));
  return AddRecords(Slice(*batch, half, batch->size()), records);
}

absl::Status SpoolFull(const std::string& why) {
  return WithReason(
      absl::ResourceExhaustedError(fmt::format(
          "spool: full: {}: the correlator has not acknowledged enough, try again later", why)),
      "SPOOL_FULL");
}

}  // namespace

Spool::Spool(EventLog& log, uint64_t bytes_max)
    : log_(log), bytes_max_(bytes_max), acknowledged_(log.bounds().first.value() - 1) {}

absl::StatusOr<LogPosition> Spool::Append(std::span<const Event> events) {
  return AppendWithin(events, bytes_max_);
}

absl::StatusOr<LogPosition> Spool::AppendSamples(std::span<const Event> events) {
  return AppendWithin(events, bytes_max_ / 10 * 9);
}

absl::StatusOr<LogPosition> Spool::AppendWithin(std::span<const Event> events, uint64_t bytes_max) {
  CHECK(!events.empty());
  std::vector<std::string> records;
  for (const Event& event : events) {
    RETURN_IF_ERROR(CheckEvent(event));
    RETURN_IF_ERROR(AddRecords(event, &records));
  }
  const uint64_t bytes =
      std::accumulate(records.begin(), records.end(), uint64_t{0},
                      [](uint64_t sum, const std::string& record) { return sum + record.size(); });
  if (log_.bounds().bytes + bytes > bytes_max) {
    RETURN_IF_ERROR(log_.Trim(acknowledged().Next()));
  }
  const uint64_t bytes_used = log_.bounds().bytes;
  if (bytes_used + bytes > bytes_max) {
    return SpoolFull(
        fmt::format("{} bytes do not fit, {} of {} are in use", bytes, bytes_used, bytes_max));
  }
  const auto first = log_.Append(records);
  if (absl::IsResourceExhausted(first.status())) return SpoolFull(MessageOf(first.status()));
  RETURN_IF_ERROR(first);
  if (listener_) listener_();
  return first->Next(records.size() - 1);
}

bool Spool::WaitAcknowledged(LogPosition through, std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (acknowledged_ < through) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  return acknowledged_ >= through;
}

absl::Status Spool::Acknowledge(LogPosition through) {
  const EventLog::Bounds bounds = log_.bounds();
  if (through >= bounds.next) {
    return absl::OutOfRangeError(fmt::format("spool: acknowledgement of event {}: the last is {}",
                                             through.value(), bounds.next.value() - 1));
  }
  {
    MutexLock lock(mutex_);
    if (through <= acknowledged_) return absl::OkStatus();
    acknowledged_ = through;
  }
  changed_.NotifyAll();
  const bool all = through.Next() == bounds.next;
  const bool many = through.value() >= bounds.first.value() + kTrimTogether;
  return all || many ? log_.Trim(through.Next()) : absl::OkStatus();
}

absl::StatusOr<EventLog::Chunk> Spool::Read(LogPosition from, size_t records_max,
                                            size_t bytes_max) const {
  return log_.Read(from, records_max, bytes_max);
}

LogPosition Spool::acknowledged() const {
  MutexLock lock(mutex_);
  return acknowledged_;
}

}  // namespace alertjoin
