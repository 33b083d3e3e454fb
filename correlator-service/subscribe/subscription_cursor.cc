#include "correlator-service/subscribe/subscription_cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

// One read of the store, during which it is locked, and reads in one step. A step that finds
// nothing takes some milliseconds.
constexpr size_t kRowsPerRead = 256;
constexpr size_t kChangesPerRead = 512;
constexpr size_t kReadBytesMax = 2 << 20;
constexpr int kReadsPerStep = 2;

}  // namespace

template <typename Stream>
StreamCursor<Stream>::StreamCursor(const RowStore& store, std::shared_ptr<Selections> selections,
                                   MessageLimits limits)
    : store_(&store),
      selections_(std::move(selections)),
      limits_(limits),
      argument_hash_(ArgumentHash(selections_->filter().ToString())) {}

template <typename Stream>
absl::StatusOr<StreamCursor<Stream>> StreamCursor<Stream>::Create(
    const RowStore& store, StreamArguments<Stream> arguments, Timestamp now, MessageLimits limits,
    StreamSelectionCache<Stream>* cache) {
  StreamSelectionCache<Stream> own(0);
  StreamSelectionCache<Stream>& selections = cache == nullptr ? own : *cache;
  StreamCursor cursor(store, selections.Of(std::move(arguments.filter)), limits);
  if (arguments.resume_token.empty()) {
    cursor.phase_ = arguments.live_only ? Phase::kLive : Phase::kSnapshot;
    cursor.sequence_ = store.newest();
    cursor.snapshot_from_ = std::max(Timestamp::Min(), now - arguments.snapshot_window);
    return cursor;
  }
  ASSIGN_OR_RETURN(const ResumeToken token, DecodeResumeToken(arguments.resume_token));
  RETURN_IF_ERROR(CheckResumeToken(token, store, cursor.argument_hash_));
  cursor.phase_ = token.phase;
  cursor.sequence_ = token.sequence;
  cursor.snapshot_from_ = token.snapshot_from;
  cursor.position_ = token.position;
  cursor.complete_at_ = store.newest();
  return cursor;
}

template <typename Stream>
std::string StreamCursor<Stream>::Token() const {
  ResumeToken token;
  token.store_id = store_->store_id();
  token.argument_hash = argument_hash_;
  token.phase = phase_;
  token.sequence = sequence_;
  if (phase_ == Phase::kSnapshot) {
    token.snapshot_from = snapshot_from_;
    token.position = position_;
  }
  return EncodeResumeToken(token);
}

template <typename Stream>
absl::StatusOr<SubscriptionStep> StreamCursor<Stream>::Next(bool progress_due, Timestamp now) {
  if (!started_) return Started();
  if (phase_ == Phase::kSnapshot) {
    ASSIGN_OR_RETURN(SubscriptionStep step, NextOfSnapshot());
    if (step.kind != SubscriptionStep::Kind::kIdle) return step;
  }
  if (phase_ == Phase::kCatchUp && sequence_ >= complete_at_) {
    phase_ = Phase::kLive;
    return Message(SnapshotCompleteMessage{sequence_});
  }
  // Taken before the log is read: what it speaks of is in the log then.
  auto board = progress_due ? Stream::Progress(*store_) : nullptr;
  if (progress_due && IsScoped()) board = std::make_shared<const ProgressBoard>();
  ASSIGN_OR_RETURN(SubscriptionStep step, NextOfLog());
  if (step.kind == SubscriptionStep::Kind::kMessage) return step;
  if (phase_ == Phase::kCatchUp) {
    step.kind = SubscriptionStep::Kind::kAgain;
    return step;
  }
  if (!progress_due) return step;
  const bool caught_up = step.kind == SubscriptionStep::Kind::kIdle;
  return Message(ProgressMessage{sequence_, now,
                                 caught_up ? board : std::make_shared<const ProgressBoard>(),
                                 Stream::ProgressQueryName(selections_->filter())});
}

template <typename Stream>
SubscriptionStep StreamCursor<Stream>::Started() {
  started_ = true;
  return Message(StartedMessage{store_->store_id(), store_->newest()});
}

template <typename Stream>
absl::StatusOr<SubscriptionStep> StreamCursor<Stream>::NextOfSnapshot() {
  if (store_->floor() > sequence_) return TooSlow();
  std::vector<Entry> entries;
  size_t bytes = 0;
  for (int reads = 0; reads < kReadsPerStep; ++reads) {
    const auto page = Stream::ReadSnapshot(*store_, position_, snapshot_from_, kRowsPerRead);
    if (AddSnapshotItems(page, entries, bytes)) break;
    if (page.end) {
      phase_ = Phase::kCatchUp;
      complete_at_ = page.sequence;
      break;
    }
  }
  if (!entries.empty()) {
    EntriesMessage<Stream> message;
    message.entries.Add(std::make_shared<const StreamSelection<Stream>>(std::move(entries)));
    return Message(std::move(message));
  }
  SubscriptionStep step;
  step.kind =
      phase_ == Phase::kSnapshot ? SubscriptionStep::Kind::kAgain : SubscriptionStep::Kind::kIdle;
  return step;
}

template <typename Stream>
bool StreamCursor<Stream>::AddSnapshotItems(const SnapshotPage<typename Stream::Item>& page,
                                            std::vector<Entry>& entries, size_t& bytes) {
  for (const auto& item : page.items) {
    if (item->sequence <= sequence_ &&
        Stream::InSnapshot(*item, selections_->filter(), snapshot_from_)) {
      const size_t item_bytes = ApproximateBytes(*item);
      if (!entries.empty() &&
          (entries.size() >= limits_.rows_max || bytes + item_bytes > limits_.bytes_max)) {
        return true;
      }
      entries.push_back({Stream::InScope(item, selections_->filter()), Operation::kUpsert});
      bytes += item_bytes;
    }
    position_ = PositionOf(*item);
  }
  return false;
}

template <typename Stream>
absl::StatusOr<SubscriptionStep> StreamCursor<Stream>::NextOfLog() {
  SubscriptionStep step;
  for (int reads = 0; reads < kReadsPerStep; ++reads) {
    const auto read = store_->ReadChanges(sequence_, kChangesPerRead, kReadBytesMax);
    if (absl::IsOutOfRange(read.status())) return TooSlow();
    RETURN_IF_ERROR(read);
    if (auto found = TakeSets(read->sets)) return *std::move(found);
    if (sequence_ >= read->newest) return step;
  }
  step.kind = SubscriptionStep::Kind::kAgain;
  return step;
}

template <typename Stream>
std::optional<SubscriptionStep> StreamCursor<Stream>::TakeSets(
    const std::vector<SharedChangeSet>& sets) {
  EntriesMessage<Stream> message;
  size_t bytes = 0;
  for (const SharedChangeSet& set : sets) {
    if (set->gap.has_value() && Stream::Concerns(*set->gap, selections_->filter())) {
      if (!message.entries.empty()) break;
      sequence_ = set->sequence;
      return Message(GapMessage{set, IsScoped()});
    }
    if (auto selected = Select(set); selected != nullptr) {
      if (!message.entries.empty() &&
          (message.entries.size() + selected->entries().size() > limits_.rows_max ||
           bytes + set->bytes > limits_.bytes_max)) {
        break;
      }
      bytes += set->bytes;
      message.entries.Add(std::move(selected));
    }
    sequence_ = set->sequence;
  }
  if (message.entries.empty()) return std::nullopt;
  return Message(std::move(message));
}

template <typename Stream>
SharedStreamSelection<Stream> StreamCursor<Stream>::Select(const SharedChangeSet& set) const {
  // Alone with the filter, there is nobody to keep it for.
  return selections_->Of(set, /*keep=*/selections_.use_count() > 1);
}

template <typename Stream>
SubscriptionStep StreamCursor<Stream>::Message(decltype(SubscriptionMessage::body) body) const {
  SubscriptionStep step;
  step.kind = SubscriptionStep::Kind::kMessage;
  step.message = SubscriptionMessage{std::move(body), Token()};
  return step;
}

template <typename Stream>
absl::Status StreamCursor<Stream>::TooSlow() const {
  return MakeError(
      "SUBSCRIBER_TOO_SLOW",
      fmt::format("subscription: fell behind the change log, which reaches back to sequence {} "
                  "only, at sequence {}: its token is too old: forget what was received and "
                  "subscribe without a token, and read faster or narrow the filter",
                  store_->floor().value(), sequence_.value()),
      {{}, {}, {{"resume_token", Token()}}});
}

template class StreamCursor<RowStream>;
template class StreamCursor<AlertStream>;

}  // namespace alertjoin
