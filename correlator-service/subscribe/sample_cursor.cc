#include "correlator-service/subscribe/sample_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

// Looked at in one step. A step that finds nothing takes some milliseconds.
constexpr size_t kRoundsPerStep = 256;
constexpr size_t kSamplesPerStep = 100'000;

// Of a message, about: a sample; what a series takes besides its labels and the query's text.
constexpr size_t kSampleBytes = 32;
constexpr size_t kSeriesBytes = 64;
constexpr size_t kLabelBytes = 8;

size_t EncodedBytes(const SeriesKey& key) {
  return kSeriesBytes + key.labels.ByteSize() + kLabelBytes * key.labels.size() +
         key.query->source.size() + key.query->name.size() + key.query->expression.size();
}

}  // namespace

SampleCursor::SampleCursor(const RowStore& store, SampleReaders& readers, SampleArguments arguments,
                           SampleMessageLimits limits)
    : store_(&store),
      log_(&readers.log()),
      reader_(readers.Open()),
      selection_(std::move(arguments.series)),
      limits_(limits),
      argument_hash_(ArgumentHash("SubscribeSamples " + selection_.ToString())) {}

absl::StatusOr<SampleCursor> SampleCursor::Create(const RowStore& store, SampleReaders& readers,
                                                  SampleArguments arguments, Timestamp now,
                                                  SampleMessageLimits limits) {
  const bool live_only = arguments.live_only;
  const Timestamp from = now - std::min(arguments.snapshot_window, now - Timestamp::Min());
  const std::string resume_token = arguments.resume_token;
  SampleCursor cursor(store, readers, std::move(arguments), limits);
  // In this order: the changes up to the sequence follow from the log up to the end.
  cursor.sequence_ = store.newest();
  cursor.complete_at_ = cursor.log_->end();
  if (!resume_token.empty()) {
    ASSIGN_OR_RETURN(const SampleToken token, DecodeSampleToken(resume_token));
    RETURN_IF_ERROR(CheckSampleToken(token, store.store_id(), *cursor.log_, cursor.argument_hash_));
    cursor.phase_ = token.phase;
    cursor.place_ = token.place;
    if (cursor.phase_ == Phase::kLive) cursor.sequence_ = Sequence();
    cursor.snapshot_from_ = token.snapshot_from;
    cursor.snapshot_end_ = token.snapshot_end;
    return cursor;
  }
  cursor.snapshot_from_ = from;
  cursor.snapshot_end_ = cursor.complete_at_;
  if (live_only) {
    cursor.phase_ = Phase::kLive;
    cursor.place_ = {cursor.complete_at_, 0};
  } else {
    cursor.place_ = {cursor.log_->FirstSince(from), 0};
  }
  return cursor;
}

std::string SampleCursor::Token() const {
  SampleToken token;
  token.store_id = store_->store_id();
  token.argument_hash = argument_hash_;
  token.phase = phase_;
  token.place = place_;
  if (phase_ == Phase::kSnapshot) {
    token.snapshot_from = snapshot_from_;
    token.snapshot_end = snapshot_end_;
  }
  return EncodeSampleToken(token);
}

absl::StatusOr<SubscriptionStep> SampleCursor::Next(bool progress_due, Timestamp now) {
  if (!std::exchange(started_, true)) {
    return Message(StartedMessage{store_->store_id(), store_->newest()});
  }
  // Taken before the log is read: what they speak of is in the log then.
  const auto board = progress_due ? store_->Progress() : nullptr;
  const Sequence newest = store_->newest();
  ASSIGN_OR_RETURN(SubscriptionStep step, NextOfLog());
  if (step.kind == SubscriptionStep::Kind::kMessage) return step;
  if (phase_ == Phase::kSnapshot) {
    if (place_.round < complete_at_) return step;
    phase_ = Phase::kLive;
    return Message(SnapshotCompleteMessage{sequence_});
  }
  const bool caught_up = step.kind == SubscriptionStep::Kind::kIdle;
  if (caught_up) sequence_ = newest;
  if (!progress_due) return step;
  return Message(ProgressMessage{sequence_, now,
                                 caught_up ? BoardOf(board) : std::make_shared<ProgressBoard>(),
                                 selection_.query_name});
}

absl::StatusOr<SubscriptionStep> SampleCursor::NextOfLog() {
  SubscriptionStep step;
  Pending pending;
  size_t samples = 0;
  for (size_t rounds = 0;; ++rounds) {
    const LogPosition end = phase_ == Phase::kSnapshot ? complete_at_ : log_->end();
    if (place_.round >= end) break;
    step.kind = SubscriptionStep::Kind::kAgain;
    if (rounds >= kRoundsPerStep || samples >= kSamplesPerStep) break;
    const absl::StatusOr<SharedSampleRound> round = reader_->Read(place_.round, hold_);
    if (absl::IsOutOfRange(round.status())) return TooSlow();
    RETURN_IF_ERROR(round);
    if (*round == nullptr || Take(*round, pending)) break;
    samples += (*round)->samples;
    step.kind = SubscriptionStep::Kind::kIdle;
  }
  if (pending.gap.has_value()) return Message(*std::move(pending.gap));
  if (pending.count > 0) return Message(std::move(pending.samples));
  return step;
}

bool SampleCursor::Take(const SharedSampleRound& round, Pending& pending) {
  const bool is_before_snapshot =
      phase_ == Phase::kSnapshot && round->position < snapshot_end_ && round->time < snapshot_from_;
  if (!is_before_snapshot) {
    if (TakeSamples(round, pending) || TakeGap(round, pending)) return true;
  }
  place_ = {round->position.Next(), 0};
  return false;
}

bool SampleCursor::TakeSamples(const SharedSampleRound& round, Pending& pending) {
  uint64_t first = 0;  // Item of the batch.
  for (uint32_t i = 0; i < round->batches.size(); ++i) {
    const SampleBatch& batch = round->batches[i];
    const uint64_t behind = first + batch.size();
    for (; place_.item < behind; ++place_.item) {
      const auto index = static_cast<uint32_t>(place_.item - first);
      if (!Wants(batch.series, batch.series_index[index])) continue;
      if (!AddSample(round, {i, index}, pending)) return true;
    }
    first = behind;
  }
  return false;
}

bool SampleCursor::TakeGap(const SharedSampleRound& round, Pending& pending) {
  for (; place_.item < round->samples + round->gaps.size(); ++place_.item) {
    const size_t index = place_.item - round->samples;
    if (!Concerns(round->gaps[index])) continue;
    if (pending.count > 0) return true;  // The samples before it come first.
    pending.gap = SampleGapMessage{round, index, IsScoped()};
    ++place_.item;
    return true;
  }
  return false;
}

bool SampleCursor::AddSample(const SharedSampleRound& round, ChosenSample sample,
                             Pending& pending) const {
  const SampleBatch& batch = round->batches[sample.batch];
  const SeriesKey* const key = batch.series[batch.series_index[sample.index]].get();
  const bool is_new = !pending.series.contains(key);
  const size_t bytes = kSampleBytes + (is_new ? EncodedBytes(*key) : 0);
  if (pending.count > 0 &&
      (pending.count >= limits_.samples_max || pending.bytes + bytes > limits_.bytes_max)) {
    return false;
  }
  std::vector<SamplesPart>& parts = pending.samples.parts;
  if (parts.empty() || parts.back().round != round) parts.push_back({round, {}});
  parts.back().chosen.push_back(sample);
  if (is_new) pending.series.insert(key);
  ++pending.count;
  pending.bytes += bytes;
  return true;
}

bool SampleCursor::Wants(const SeriesTable& table, uint32_t number) {
  if (selection_.MatchesAll()) return true;
  if (table.id() != table_.id()) {
    table_ = table;
    known_.clear();
    wanted_.clear();
  }
  if (number >= known_.size()) {
    known_.resize(number + size_t{1});
    wanted_.resize(number + size_t{1});
  }
  if (!known_[number]) {
    known_[number] = true;
    wanted_[number] = selection_.Matches(*table[number]);
  }
  return wanted_[number];
}

bool SampleCursor::Concerns(const Gap& gap) const {
  if (IsScoped()) return true;  // As of RowStream.
  if (gap.query.has_value()) return selection_.Wants(*gap.query);
  return selection_.source.empty() || gap.source == selection_.source;
}

std::shared_ptr<const ProgressBoard> SampleCursor::BoardOf(
    std::shared_ptr<const ProgressBoard> board) const {
  if (IsScoped()) return std::make_shared<const ProgressBoard>();
  if (selection_.source.empty()) return board;
  auto chosen = std::make_shared<ProgressBoard>();
  std::copy_if(board->begin(), board->end(), std::back_inserter(*chosen),
               [&](const QueryProgress& progress) { return selection_.Wants(progress.query); });
  return chosen;
}

SubscriptionStep SampleCursor::Message(decltype(SubscriptionMessage::body) body) const {
  SubscriptionStep step;
  step.kind = SubscriptionStep::Kind::kMessage;
  step.message = SubscriptionMessage{std::move(body), Token()};
  return step;
}

absl::Status SampleCursor::TooSlow() const {
  return MakeError(
      "SUBSCRIBER_TOO_SLOW",
      fmt::format("subscription: fell behind the event log, which reaches back to record {} only, "
                  "at record {}: its token is too old: subscribe without a token, fetch what is "
                  "missing with ListSamples, and read faster or narrow the selection",
                  log_->bounds().first.value(), place_.round.value()),
      {{}, {}, {{"resume_token", Token()}}});
}

}  // namespace alertjoin
