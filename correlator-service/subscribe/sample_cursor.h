#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "correlator-service/codec/series_selector.h"
#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/sample_token.h"
#include "correlator-service/subscribe/subscription_cursor.h"

namespace alertjoin {

constexpr Millis kDefaultSampleWindow = std::chrono::minutes(5);

struct SampleArguments {
  SeriesSelection series;
  bool live_only = false;
  Millis snapshot_window = kDefaultSampleWindow;  // Not negative.
  std::string resume_token;                       // Empty: from the start.
};

// What one message holds at most; a single sample is sent all the same.
struct SampleMessageLimits {
  size_t samples_max = 10'000;
  size_t bytes_max = 1 << 20;
};

// Where one subscriber to samples stands in the event log: it makes the messages of a subscription
// one after the other, from the log, and holds none of them, but what sample_reader.h keeps of the
// segment that it reads in. So a subscriber costs the same however far it is behind. Not
// thread-safe.
//
// The order of messages: started; the samples of the rounds of the snapshot's window, in the order
// in which they were taken; snapshot_complete; samples and gaps as they are taken.
//
// Sequences in its messages are those of the row store: when it says one, all samples were sent
// from which the row changes up to it follow, for those are in the log before. While it is behind
// the log's end, progress is the last one that it knows, or 0, and speaks of no query. A reader who
// sees a part, by the selection's scope, is told as much of what else there is as by a
// StreamCursor.
class SampleCursor final : public SubscriptionSource {
 public:
  // The errors of DecodeSampleToken and CheckSampleToken. `now` is where the snapshot's window
  // ends. The store and the readers' log must outlive it.
  static absl::StatusOr<SampleCursor> Create(const RowStore& store, SampleReaders& readers,
                                             SampleArguments arguments, Timestamp now,
                                             SampleMessageLimits limits = {});

  // RESOURCE_EXHAUSTED, reason SUBSCRIBER_TOO_SLOW, with the last token in the metadata
  // "resume_token", once the log no longer reaches back to the cursor: Create answers that
  // RESUME_TOKEN_TOO_OLD.
  absl::StatusOr<SubscriptionStep> Next(bool progress_due, Timestamp now) override;
  bool HasNews() const override { return log_->end() > place_.round; }
  std::string Token() const override;
  StreamKind Kind() const override { return StreamKind::kSamples; }
  uint64_t Position() const override { return place_.round.value(); }
  uint64_t Newest() const override { return log_->end().value(); }

 private:
  using Phase = SampleToken::Phase;

  SampleCursor(const RowStore& store, SampleReaders& readers, SampleArguments arguments,
               SampleMessageLimits limits);

  // A message that is being made.
  struct Pending {
    SamplesMessage samples;
    absl::flat_hash_set<const SeriesKey*> series;  // Of the samples.
    size_t count = 0;                              // Of the samples.
    size_t bytes = 0;                              // About, when encoded.
    std::optional<SampleGapMessage> gap;           // Instead of samples.
  };

  // The next samples or the next gap; kIdle at the end of the log, or of the snapshot.
  absl::StatusOr<SubscriptionStep> NextOfLog();
  // Takes what fits of the round from `place_` on. True when the message is complete.
  bool Take(const SharedSampleRound& round, Pending& pending);
  bool TakeSamples(const SharedSampleRound& round, Pending& pending);
  bool TakeGap(const SharedSampleRound& round, Pending& pending);
  // False when it does not fit.
  bool AddSample(const SharedSampleRound& round, ChosenSample sample, Pending& pending) const;
  bool Wants(const SeriesTable& table, uint32_t number);
  bool Concerns(const Gap& gap) const;
  bool IsScoped() const { return !selection_.scope.empty(); }
  std::shared_ptr<const ProgressBoard> BoardOf(std::shared_ptr<const ProgressBoard> board) const;
  SubscriptionStep Message(decltype(SubscriptionMessage::body) body) const;
  absl::Status TooSlow() const;

  const RowStore* store_;
  const RoundLog* log_;
  std::shared_ptr<SampleReader> reader_;
  SampleReader::Hold hold_;
  SeriesSelection selection_;
  SampleMessageLimits limits_;
  uint64_t argument_hash_;
  bool started_ = false;
  Phase phase_ = Phase::kSnapshot;
  SamplePlace place_;
  Timestamp snapshot_from_;
  LogPosition snapshot_end_;
  LogPosition complete_at_;  // In kSnapshot: the snapshot is complete from here on.
  // In kSnapshot: what the snapshot is complete for. In kLive: what everything sent is, as far as
  // it is known.
  Sequence sequence_;
  // What is known of the series of one table, by number.
  SeriesTable table_;
  std::vector<bool> known_;
  std::vector<bool> wanted_;
};

}  // namespace alertjoin
