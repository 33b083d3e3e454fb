#include "correlator-service/pipeline/round_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// What is read at once when the log is replayed.
constexpr size_t kReadRecordsMax = 1'000;
constexpr size_t kReadBytesMax = 8 << 20;

Horizons Later(const Horizons& a, const Horizons& b) {
  return {std::max(a.samples, b.samples), std::max(a.rows, b.rows)};
}

}  // namespace

absl::Status RoundLog::Replay(const Visit& visit) {
  RoundDecoder decoder;
  const EventLog::Bounds bounds = log_.bounds();
  for (LogPosition at = bounds.first; at < bounds.next;) {
    ASSIGN_OR_RETURN(const EventLog::Chunk chunk, log_.Read(at, kReadRecordsMax, kReadBytesMax));
    for (const std::string& record : chunk.records) {
      auto round = decoder.Decode(record);
      const std::string where = fmt::format("event log: record {}", at.value());
      if (!round.ok()) return Annotate(round.status(), where);
      Record(*round, at, record.size(), decoder.begins_segment());
      Advance(*round);
      RETURN_IF_ERROR(visit(at, *std::move(round)));
      at = at.Next();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LogPosition> RoundLog::Append(Round& round) {
  const bool begins_segment = NeedsSegment(round.time);
  if (begins_segment) {
    encoder_.BeginSegment();
    // What is trimmed before it takes its horizons along, which may be later than the round's own.
    if (horizons_) round.horizons = Later(round.horizons.value_or(Horizons()), *horizons_);
  }
  const std::string record = encoder_.Encode(round);
  absl::StatusOr<LogPosition> position = MakeError(
      "LOG_FULL",
      fmt::format(
          "event log: full: {} of {} bytes are in use: it has room again when its oldest samples "
          "are beyond retention.samples; or raise limits.log_bytes",
          log_.bounds().bytes, options_.bytes_max));
  // What makes room is small, and is taken however full the log is: its bound may have been lowered
  // below what is in use.
  const bool makes_room = round.events.empty();
  if (makes_room || log_.bounds().bytes + record.size() <= options_.bytes_max) {
    position = log_.Append({&record, 1});
  }
  if (!position.ok()) {
    // What the encoder took for defined is not in the log.
    has_appended_ = false;
    return position;
  }
  has_appended_ = true;
  Advance(round);
  Record(round, *position, record.size(), begins_segment);
  RaiseSignals();
  return position;
}

bool RoundLog::NeedsSegment(Timestamp now) const {
  if (!has_appended_) return true;
  MutexLock lock(mutex_);
  const Segment& last = segments_.back();
  return last.bytes >= options_.segment_bytes || now - last.first_time >= options_.segment_age;
}

void RoundLog::Advance(const Round& round) {
  if (!round.horizons) return;
  horizons_ = Later(horizons_.value_or(Horizons()), *round.horizons);
}

void RoundLog::Record(const Round& round, LogPosition position, uint64_t bytes,
                      bool begins_segment) {
  MutexLock lock(mutex_);
  if (begins_segment) segments_.push_back({position, round.time, round.time});
  Segment& segment = segments_.back();
  segment.last_time = std::max(segment.last_time, round.time);
  segment.newest_sample = std::max(segment.newest_sample, NewestSampleTime(round));
  segment.bytes += bytes;
  end_ = position.Next();
  for (const ProducerPosition& told : round.producers) {
    Producer& producer = producers_[{told.producer_id, told.log_id}];
    if (producer.position.last_sequence <= told.last_sequence) producer.position = told;
    producer.heard = ++heard_;
  }
  while (producers_.size() > kProducersMax) {
    producers_.erase(std::min_element(
        producers_.begin(), producers_.end(),
        [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; }));
  }
}

std::optional<RoundLog::Trimmable> RoundLog::FindTrimmable(Timestamp sample_horizon) const {
  MutexLock lock(mutex_);
  std::optional<Trimmable> trimmable;
  Timestamp newest_sample = Timestamp::Min();
  for (size_t i = 0; i + 1 < segments_.size(); ++i) {
    newest_sample = std::max(newest_sample, segments_[i].newest_sample);
    if (newest_sample >= sample_horizon || segments_[i].last_time >= sample_horizon) break;
    trimmable = {segments_[i + 1].first, newest_sample};
  }
  return trimmable;
}

absl::Status RoundLog::Trim(LogPosition before) {
  RETURN_IF_ERROR(log_.Trim(before));
  MutexLock lock(mutex_);
  while (!segments_.empty() && segments_.front().first < before) segments_.pop_front();
  return absl::OkStatus();
}

LogPosition RoundLog::end() const {
  MutexLock lock(mutex_);
  return end_;
}

std::optional<LogPosition> RoundLog::SegmentOf(LogPosition position) const {
  MutexLock lock(mutex_);
  if (position >= end_) return std::nullopt;
  const auto behind =
      std::partition_point(segments_.begin(), segments_.end(),
                           [&](const Segment& segment) { return segment.first <= position; });
  if (behind == segments_.begin()) return std::nullopt;
  return std::prev(behind)->first;
}

LogPosition RoundLog::FirstSince(Timestamp time) const {
  MutexLock lock(mutex_);
  const auto found = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& segment) {
    return segment.last_time >= time;
  });
  return found == segments_.end() ? end_ : found->first;
}

void RoundLog::RaiseOnAppend(std::shared_ptr<ChangeSignal> signal) {
  MutexLock lock(mutex_);
  if (signals_.size() < kSignalsMax) signals_.push_back(std::move(signal));
}

void RoundLog::RaiseSignals() {
  std::vector<std::shared_ptr<ChangeSignal>> signals;
  {
    MutexLock lock(mutex_);
    signals = signals_;
  }
  for (const auto& signal : signals) signal->Raise();
}

std::vector<ProducerPosition> RoundLog::Producers() const {
  MutexLock lock(mutex_);
  std::vector<const Producer*> known;
  for (const auto& [id, producer] : producers_) known.push_back(&producer);
  std::sort(known.begin(), known.end(),
            [](const Producer* a, const Producer* b) { return a->heard < b->heard; });
  std::vector<ProducerPosition> positions;
  for (const Producer* producer : known) positions.push_back(producer->position);
  return positions;
}

}  // namespace alertjoin
