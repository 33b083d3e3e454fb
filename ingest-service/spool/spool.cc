#include "ingest-service/spool/spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <string>
#include <vector>

#include "common/eventlog/log_id.h"
#include "common/status/status.h"
#include "ingest-service/spool/spool_metrics.h"
#include "ingest-service/spool/spool_records.h"

namespace alertjoin {
namespace {

constexpr int kMarksPerHold = 16;
constexpr uint64_t kMicrosPerMilli = 1000;
// Names of notes of the log.
constexpr char kLogIdNote[] = "log_id";
constexpr char kEpochNote[] = "epoch";
// An epoch that the clock does not give is at most so much later than the last one.
constexpr uint32_t kEpochStepMax = 1 << 20;

absl::Status SpoolFull(const std::string& why) {
  return WithReason(
      absl::ResourceExhaustedError(fmt::format(
          "spool: full: {}: the correlator has not acknowledged enough, try again later", why)),
      "SPOOL_FULL");
}

// 0: there was none.
uint64_t LastEpoch(const EventLog& log) {
  const std::string text = log.note(kEpochNote);
  uint64_t epoch = 0;
  std::from_chars(text.data(), text.data() + text.size(), epoch);
  return epoch;
}

}  // namespace

Spool::Spool(EventLog& log, uint64_t bytes_max, SpoolMetrics* metrics, Hold hold)
    : log_(log),
      bytes_max_(bytes_max),
      metrics_(metrics),
      hold_(hold),
      start_(log.bounds().next),
      acknowledged_(log.bounds().first.value() - 1),
      log_id_(log.note(kLogIdNote)) {
  if (log_id_.empty()) log_id_ = log.id();
  // When they were appended is not known.
  MarkAppended(log.bounds().next);
  PublishMetrics();
}

absl::StatusOr<LogPosition> Spool::Append(std::span<const Event> events) {
  ASSIGN_OR_RETURN(const std::vector<std::string> records, EncodeSpoolRecords(events));
  return AppendRecords(records);
}

absl::Status Spool::CheckRoom(std::span<const std::string> records) {
  const uint64_t bytes = SpoolBytesOf(records);
  if (log_.bounds().bytes + bytes > bytes_max_) {
    RETURN_IF_ERROR(Trim(acknowledged().Next()));
  }
  const uint64_t bytes_used = log_.bounds().bytes;
  if (bytes_used + bytes > bytes_max_) {
    return SpoolFull(
        fmt::format("{} bytes do not fit, {} of {} are in use", bytes, bytes_used, bytes_max_));
  }
  return absl::OkStatus();
}

absl::StatusOr<LogPosition> Spool::AppendRecords(std::span<const std::string> records) {
  RETURN_IF_ERROR(CheckRoom(records));
  return AppendRecordsOverLimit(records);
}

absl::StatusOr<LogPosition> Spool::AppendRecordsOverLimit(std::span<const std::string> records) {
  CHECK(!records.empty());
  auto first = log_.Append(records);
  if (absl::IsResourceExhausted(first.status())) {
    // Who appends at the same time saw the same room.
    RETURN_IF_ERROR(Trim(acknowledged().Next()));
    first = log_.Append(records);
  }
  if (absl::IsResourceExhausted(first.status())) return SpoolFull(MessageOf(first.status()));
  RETURN_IF_ERROR(first);
  MarkAppended(first->Next(records.size()));
  if (metrics_ != nullptr) metrics_->stage.CountIn(records.size());
  PublishMetrics();
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
    // What was dropped is not among them.
    const LogPosition first = std::max(bounds.first, acknowledged_.Next());
    if (metrics_ != nullptr && through >= first) {
      metrics_->stage.CountOut(through.Next().value() - first.value());
    }
    acknowledged_ = through;
  }
  changed_.NotifyAll();
  const LogPosition before = std::min(through.Next(), HeldFrom());
  const bool all = before == bounds.next;
  const bool many = before.value() > bounds.first.value() + kTrimTogether;
  if (all || many) return Trim(before);
  PublishMetrics();
  return absl::OkStatus();
}

void Spool::MarkAppended(LogPosition next) {
  if (hold_.time <= Millis(0)) return;
  const Clock::Steady now = hold_.clock->SteadyNow();
  MutexLock lock(mutex_);
  if (!marks_.empty() && now - marks_.back().time < hold_.time / kMarksPerHold) {
    marks_.back().next = std::max(marks_.back().next, next);
  } else {
    marks_.push_back({now, next});
  }
}

LogPosition Spool::HeldFrom() {
  if (hold_.time <= Millis(0)) return log_.bounds().next;
  const Clock::Steady now = hold_.clock->SteadyNow();
  MutexLock lock(mutex_);
  while (!marks_.empty() && now - marks_.front().time >= hold_.time) {
    held_from_ = marks_.front().next;
    marks_.pop_front();
  }
  return held_from_;
}

absl::Status Spool::DropBefore(LogPosition before) { return Trim(before); }

absl::Status Spool::Trim(LogPosition before) {
  // A begin that is further on already stays.
  absl::Status status = log_.Trim(before);
  PublishMetrics();
  return status;
}

absl::StatusOr<EventLog::Chunk> Spool::Read(LogPosition from, size_t records_max,
                                            size_t bytes_max) const {
  return log_.Read(from, records_max, bytes_max);
}

std::string Spool::log_id() const {
  MutexLock lock(mutex_);
  return log_id_;
}

absl::Status Spool::Rename() {
  const std::string id = NewLogId("renamed");
  RETURN_IF_ERROR(log_.SetNote(kLogIdNote, id));
  MutexLock lock(mutex_);
  log_id_ = id;
  return absl::OkStatus();
}

absl::Status Spool::BeginEpoch(Timestamp now) {
  if (epoch() != 0) return absl::OkStatus();
  // By chance, so that of two processes that begin with copies of one log each has its own, though
  // neither has a clock that runs on while the machine is off.
  const uint64_t later = LastEpoch(log_) + 1 + std::random_device()() % kEpochStepMax;
  const auto now_ms = static_cast<uint64_t>(std::max<int64_t>(now.millis(), 0));
  const uint64_t epoch = std::max(now_ms * kMicrosPerMilli, later);
  RETURN_IF_ERROR(log_.SetNote(kEpochNote, std::to_string(epoch)));
  MutexLock lock(mutex_);
  epoch_ = epoch;
  return absl::OkStatus();
}

uint64_t Spool::epoch() const {
  MutexLock lock(mutex_);
  return epoch_;
}

uint64_t Spool::waiting() const {
  // In this order: what is acknowledged has been appended.
  const LogPosition done = acknowledged();
  const EventLog::Bounds bounds = log_.bounds();
  return bounds.next.value() - std::max(bounds.first, done.Next()).value();
}

LogPosition Spool::acknowledged() const {
  MutexLock lock(mutex_);
  return acknowledged_;
}

void Spool::PublishMetrics() {
  if (metrics_ == nullptr) return;
  MutexLock lock(publish_mutex_);
  const uint64_t waits = waiting();
  const EventLog::Bounds held = bounds();
  metrics_->events.Set(static_cast<double>(waits));
  metrics_->stage.SetInProgress(waits);
  metrics_->bytes.Set(static_cast<double>(held.bytes));
  metrics_->first_sequence.Set(static_cast<double>(held.first.value()));
  metrics_->last_sequence.Set(static_cast<double>(held.next.value() - 1));
  metrics_->acked_sequence.Set(static_cast<double>(acknowledged().value()));
  metrics_->bytes_max.Set(static_cast<double>(bytes_max_));
}

}  // namespace alertjoin
