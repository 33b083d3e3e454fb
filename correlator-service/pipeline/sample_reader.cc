#include "correlator-service/pipeline/sample_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// What one turn reads: some milliseconds.
constexpr size_t kDefineRecordsMax = 256;
constexpr size_t kDefineBytesMax = 4 << 20;
constexpr size_t kDecodeRecordsMax = 64;
constexpr size_t kDecodeBytesMax = 512 << 10;

}  // namespace

absl::StatusOr<SharedSampleRound> SampleReader::Read(LogPosition position, Hold& hold) {
  const std::optional<LogPosition> first = log_.SegmentOf(position);
  if (!first) {
    hold.reset();
    return absl::OutOfRangeError(
        fmt::format("event log: record {} has been trimmed", position.value()));
  }
  const std::shared_ptr<Segment> segment = Open(*first);
  absl::StatusOr<SharedSampleRound> round = SharedSampleRound();
  {
    MutexLock lock(segment->mutex);
    round = ReadIn(*segment, position);
  }
  hold = round.ok() ? segment : nullptr;
  // Whoever reads there next begins anew.
  if (!round.ok()) Close(segment);
  return round;
}

std::shared_ptr<SampleReader::Segment> SampleReader::Open(LogPosition first) {
  std::shared_ptr<Segment> segment;
  std::shared_ptr<Segment> passed;
  {
    MutexLock lock(mutex_);
    segment = segments_[first].lock();
    if (segment == nullptr) {
      segments_[first] = segment = std::make_shared<Segment>(first);
      std::erase_if(segments_, [](const auto& entry) { return entry.second.expired(); });
    }
    std::erase(recent_, segment);
    recent_.push_back(segment);
    if (recent_.size() > kSegmentsMax) {
      passed = std::move(recent_.front());
      recent_.pop_front();
    }
  }
  if (passed != nullptr) {
    // Somebody may hold it.
    MutexLock lock(passed->mutex);
    Shrink(*passed, kHeldRoundBytesMax);
  }
  return segment;
}

void SampleReader::Close(const std::shared_ptr<Segment>& segment) {
  MutexLock lock(mutex_);
  std::erase(recent_, segment);
  const auto found = segments_.find(segment->first);
  if (found != segments_.end() && found->second.lock() == segment) segments_.erase(found);
}

absl::StatusOr<SharedSampleRound> SampleReader::ReadIn(Segment& segment, LogPosition position) {
  const auto known = segment.rounds.find(position);
  if (known != segment.rounds.end()) return known->second;
  if (segment.failed) return absl::OutOfRangeError("event log: the segment is gone");
  absl::Status status = DefineBefore(segment, position);
  if (status.ok() && segment.defined >= position) status = DecodeFrom(segment, position);
  if (!status.ok()) {
    segment.failed = true;
    return status;
  }
  const auto decoded = segment.rounds.find(position);
  return decoded == segment.rounds.end() ? SharedSampleRound() : decoded->second;
}

absl::Status SampleReader::DefineBefore(Segment& segment, LogPosition position) {
  if (segment.defined >= position) return absl::OkStatus();
  const size_t records =
      std::min<uint64_t>(kDefineRecordsMax, position.value() - segment.defined.value());
  ASSIGN_OR_RETURN(const EventLog::Chunk chunk,
                   log_.Read(segment.defined, records, kDefineBytesMax));
  for (const std::string& record : chunk.records) {
    RETURN_IF_ERROR(Annotate(segment.decoder.Define(record),
                             fmt::format("event log: record {}", segment.defined.value())));
    segment.defined = segment.defined.Next();
  }
  return absl::OkStatus();
}

absl::Status SampleReader::DecodeFrom(Segment& segment, LogPosition position) {
  ASSIGN_OR_RETURN(const EventLog::Chunk chunk,
                   log_.Read(position, kDecodeRecordsMax, kDecodeBytesMax));
  for (const std::string& record : chunk.records) {
    // Behind what the log knows of its segments, and in another one, the definitions are others.
    if (position != chunk.first && log_.SegmentOf(position) != segment.first) break;
    const std::string where = fmt::format("event log: record {}", position.value());
    const bool is_known = position < segment.defined;
    auto round = segment.decoder.Decode(position, record, is_known);
    if (!round.ok()) return Annotate(round.status(), where);
    if (!is_known) segment.defined = position.Next();
    Keep(segment, *std::move(round));
    position = position.Next();
  }
  return absl::OkStatus();
}

void SampleReader::Keep(Segment& segment, SampleRound round) {
  const LogPosition position = round.position;
  const size_t bytes = round.bytes;
  const auto shared = std::make_shared<const SampleRound>(std::move(round));
  if (!segment.rounds.emplace(position, shared).second) return;
  segment.oldest_first.push_back(position);
  segment.bytes += bytes;
  Shrink(segment, kRoundBytesMax);
}

void SampleReader::Shrink(Segment& segment, size_t bytes_max) {
  while (segment.bytes > bytes_max && segment.oldest_first.size() > 1) {
    const auto oldest = segment.rounds.find(segment.oldest_first.front());
    segment.bytes -= oldest->second->bytes;
    segment.rounds.erase(oldest);
    segment.oldest_first.pop_front();
  }
}

std::shared_ptr<SampleReader> SampleReaders::Open() {
  MutexLock lock(mutex_);
  std::shared_ptr<SampleReader> reader = open_.lock();
  if (reader == nullptr) open_ = reader = std::make_shared<SampleReader>(log_);
  return reader;
}

}  // namespace alertjoin
