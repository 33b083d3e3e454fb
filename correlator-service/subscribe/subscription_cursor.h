#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/resume_token.h"
#include "correlator-service/subscribe/selection_cache.h"
#include "correlator-service/subscribe/streams.h"
#include "correlator-service/subscribe/subscriber_lag.h"
#include "correlator-service/subscribe/subscription_message.h"

namespace alertjoin {

constexpr Millis kDefaultSnapshotWindow = std::chrono::hours(24);

template <typename Stream>
struct StreamArguments {
  typename Stream::Filter filter;
  bool live_only = false;
  Millis snapshot_window = kDefaultSnapshotWindow;  // Not negative.
  std::string resume_token;                         // Empty: from the start.
};

// What one message holds at most; a single sequence is sent whole all the same.
struct MessageLimits {
  size_t rows_max = 500;  // Or alerts.
  size_t bytes_max = 1 << 20;
};

// One step of a subscription.
struct SubscriptionStep {
  enum class Kind {
    kMessage,  // `message` is next.
    kAgain,    // Much was read and nothing matched: call again, others first.
    kIdle,     // Everything published was sent.
  };
  Kind kind = Kind::kIdle;
  std::optional<SubscriptionMessage> message;
};

// Where the messages of a subscription come from: a cursor over something that is kept. Not
// thread-safe; calls must not block.
class SubscriptionSource {
 public:
  virtual ~SubscriptionSource() = default;
  // The next message, if any. With `progress_due` and nothing else to send after the snapshot it is
  // a progress message with `now`. An error ends the subscription.
  virtual absl::StatusOr<SubscriptionStep> Next(bool progress_due, Timestamp now) = 0;
  // Whether something was published that was not sent yet.
  virtual bool HasNews() const = 0;
  // The token of the last message, or of where it starts.
  virtual std::string Token() const = 0;
  // For metrics: what stream it is of, up to where Next has given or passed over everything, and,
  // from any thread, up to where there is something. As in SubscriberPlace.
  virtual StreamKind Kind() const = 0;
  virtual uint64_t Position() const = 0;
  virtual uint64_t Newest() const = 0;
};

// Where one subscriber stands in a row store: it makes the messages of a subscription one after the
// other, from the store, and holds none of them. So a subscriber costs the same however far it is
// behind. Not thread-safe; the store must outlive it.
//
// The order of messages: started; the rows (or alerts: all that is said of rows here goes for them)
// of the snapshot in the order of listing; the changes since the snapshot began; snapshot_complete;
// changes and gaps as they happen.
//
// How the snapshot agrees with the log: it is the table at a sequence S, the newest when it began.
// A row whose last change came after S is left out of it, as that change is found in the log behind
// S, where all of them are sent after the snapshot. Folding both gives the table. What a subscriber
// got of a row is never newer than what it gets later.
//
// How a filter agrees with the table: a change is sent as UPSERT when the row matches the filter
// after it, as DELETE when it matched only before it, and not at all otherwise.
//
// A reader who sees a part, by the filter's scope, is not told what else there is: progress names
// no query, and a gap says when something is missing, whatever it is of and whatever was asked for.
template <typename Stream>
class StreamCursor final : public SubscriptionSource {
 public:
  // The errors of DecodeResumeToken and CheckResumeToken. `now` is where the snapshot's window
  // ends. Cursors with equal filters share what they make of a change set by `cache`, which is of
  // this store; null: this one shares with none. The cursor may outlive it.
  static absl::StatusOr<StreamCursor> Create(const RowStore& store,
                                             StreamArguments<Stream> arguments, Timestamp now,
                                             MessageLimits limits = {},
                                             StreamSelectionCache<Stream>* cache = nullptr);

  // RESOURCE_EXHAUSTED, reason SUBSCRIBER_TOO_SLOW, with the last token in the metadata
  // "resume_token", once the change log no longer reaches back to the cursor: Create answers that
  // RESUME_TOKEN_TOO_OLD.
  absl::StatusOr<SubscriptionStep> Next(bool progress_due, Timestamp now) override;
  bool HasNews() const override { return store_->newest() > sequence_; }
  // Everything up to here was sent, once the snapshot is.
  Sequence sequence() const { return sequence_; }
  std::string Token() const override;
  StreamKind Kind() const override { return Stream::kKind; }
  uint64_t Position() const override { return sequence_.value(); }
  uint64_t Newest() const override { return store_->newest().value(); }

 private:
  using Phase = ResumeToken::Phase;
  using Entry = typename Stream::Entry;
  using Selections = StreamFilterSelections<Stream>;

  StreamCursor(const RowStore& store, std::shared_ptr<Selections> selections, MessageLimits limits);

  bool IsScoped() const { return !selections_->filter().scope.empty(); }
  SubscriptionStep Started();
  absl::StatusOr<SubscriptionStep> NextOfSnapshot();
  // True when the message is full.
  bool AddSnapshotItems(const SnapshotPage<typename Stream::Item>& page,
                        std::vector<Entry>& entries, size_t& bytes);
  absl::StatusOr<SubscriptionStep> NextOfLog();
  // Takes as many sets as fit. Nothing when none of them concerns the subscriber.
  std::optional<SubscriptionStep> TakeSets(const std::vector<SharedChangeSet>& sets);
  SharedStreamSelection<Stream> Select(const SharedChangeSet& set) const;
  SubscriptionStep Message(decltype(SubscriptionMessage::body) body) const;
  absl::Status TooSlow() const;

  const RowStore* store_;
  std::shared_ptr<Selections> selections_;
  MessageLimits limits_;
  uint64_t argument_hash_;
  bool started_ = false;
  Phase phase_ = Phase::kSnapshot;
  Sequence sequence_;
  Timestamp snapshot_from_;
  std::optional<RowPosition> position_;
  // In kCatchUp: the snapshot is complete from here on.
  Sequence complete_at_;
};

using SubscriptionArguments = StreamArguments<RowStream>;
using SubscriptionCursor = StreamCursor<RowStream>;
using AlertArguments = StreamArguments<AlertStream>;
using AlertCursor = StreamCursor<AlertStream>;

}  // namespace alertjoin
