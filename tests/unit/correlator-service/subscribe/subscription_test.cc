#include "correlator-service/subscribe/subscription.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <optional>
#include <utility>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "tests/support/joined_rows.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/support/store_decorator.h"
#include "tests/unit/correlator-service/subscribe/fake_peer.h"

namespace alertjoin {
namespace {

class SubscriptionTest : public testing::Test {
 protected:
  ~SubscriptionTest() override {
    hub_.Stop();
    for (const auto& subscription : subscriptions_) subscription->OnDone();
  }

  // Lives as long as the fixture, since subscriptions end with it.
  FakePeer& NewPeer() { return *peers_.emplace_back(std::make_unique<FakePeer>()); }
  std::shared_ptr<Subscription> Subscribe(FakePeer& peer, RowStore& store, SubscriptionHub& hub,
                                          SubscriptionOptions options = {}) {
    auto cursor = SubscriptionCursor::Create(store, {}, clock_.Now());
    EXPECT_THAT(cursor, IsOk());
    auto subscription = std::make_shared<Subscription>(
        hub, clock_, std::make_unique<SubscriptionCursor>(*std::move(cursor)), std::move(options),
        peer);
    peer.Attach(subscription);
    subscriptions_.push_back(subscription);
    subscription->Start();
    return subscription;
  }
  std::shared_ptr<Subscription> Subscribe(FakePeer& peer) { return Subscribe(peer, store_, hub_); }
  // Reads `started` and `snapshot_complete` of an empty table.
  void ReadSnapshot(FakePeer& peer) {
    peer.ReadOne();
    peer.ReadOne();
  }
  Sequence Commit(int id) {
    RowSpec spec;
    spec.id = id;
    return store_.Commit({.changes = {MakeRow(spec)}}).value();
  }
  void Advance(Millis span) {
    clock_.Advance(span);
    hub_.Nudge();
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  std::vector<std::unique_ptr<FakePeer>> peers_;
  prometheus::Registry registry_;
  ManualClock clock_{kRowsNow};
  MemoryRowStore store_{
      registry_,
      {.store_id = "", .sequence_limits = {}, .change_log_limits = {.changes_max = 100}}};
  SubscriptionHub hub_{store_, clock_, registry_, {.subscribers_max = 3}};
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
};

TEST_F(SubscriptionTest, WritesOneMessageAtATime) {
  FakePeer& peer = NewPeer();
  Subscribe(peer);
  peer.WaitForWrite();
  Commit(1);
  EXPECT_EQ(peer.messages().size(), 1u);  // `started` is not taken yet.
  peer.EndWrite(true);
  peer.WaitForWrite();
  EXPECT_EQ(peer.messages().size(), 2u);
}

TEST_F(SubscriptionTest, IsBehindUntilWhatItWasSentIsTaken) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  ReadSnapshot(peer);
  const Sequence first = Commit(1);
  peer.WaitForWrite();
  // It is being written, and nothing says yet that it was taken.
  EXPECT_EQ(subscription->Place().delivered, Sequence().value());
  EXPECT_EQ(subscription->Place().newest, first.value());
  EXPECT_THAT(Metrics(), testing::HasSubstr("in_progress{stage=\"fan_out_rows\"} 1\n"));
  peer.EndWrite(true);
  EXPECT_EQ(subscription->Place().delivered, first.value());
  EXPECT_THAT(Metrics(), testing::HasSubstr("in_progress{stage=\"fan_out_rows\"} 0\n"));
  EXPECT_THAT(Metrics(), testing::HasSubstr("out_total{stage=\"fan_out_rows\"} 3\n"));
}

TEST_F(SubscriptionTest, IdleSubscriberIsToldOfACommit) {
  FakePeer& peer = NewPeer();
  Subscribe(peer);
  ReadSnapshot(peer);
  for (int id = 1; id <= 3; ++id) {
    Commit(id);
    peer.WaitForWrite();
    EXPECT_TRUE(std::holds_alternative<RowsMessage>(peer.messages().back().body));
    peer.EndWrite(true);
  }
  EXPECT_EQ(peer.messages().size(), 5u);
}

TEST_F(SubscriptionTest, ProgressComesAfterTheIntervalWithoutAMessage) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  ReadSnapshot(peer);
  clock_.Advance(Millis(4999));
  EXPECT_EQ(subscription->Poll(clock_.SteadyNow()), clock_.SteadyNow() + Millis(1));
  EXPECT_FALSE(peer.writing());
  Advance(Millis(1));
  peer.WaitForWrite();
  ASSERT_TRUE(std::holds_alternative<ProgressMessage>(peer.messages().back().body));
  EXPECT_EQ(std::get<ProgressMessage>(peer.messages().back().body).send_time,
            kRowsNow + Millis(5000));
  peer.EndWrite(true);
  Commit(1);  // Starts the interval anew.
  peer.ReadOne();
  clock_.Advance(Millis(4999));
  subscription->Poll(clock_.SteadyNow());
  EXPECT_FALSE(peer.writing());
}

// Whatever it is about: nothing, waiting for its peer, or sending all the time.
TEST_F(SubscriptionTest, EndsWithItsTokenWhenItIsNoLongerPermitted) {
  for (const bool stalled : {false, true}) {
    std::atomic<bool> permitted = true;
    SubscriptionOptions options;
    options.permit = [&permitted](const ErrorDetail& detail) {
      return permitted ? absl::OkStatus()
                       : MakeError("CREDENTIALS_REVOKED", "no longer permitted", detail);
    };
    FakePeer& peer = NewPeer();
    Subscribe(peer, store_, hub_, options);
    ReadSnapshot(peer);
    if (stalled) {
      Commit(1);
      peer.WaitForWrite();
    }
    Advance(Millis(2000));
    EXPECT_FALSE(peer.finished());
    permitted = false;
    Advance(Millis(1000));
    const absl::Status end = peer.WaitForFinish();
    EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnauthenticated, "no longer permitted"));
    EXPECT_EQ(DetailOf(end)->reason, "CREDENTIALS_REVOKED");
    EXPECT_THAT(DetailOf(end)->metadata, testing::ElementsAre(testing::Pair(
                                             "resume_token", peer.messages().back().resume_token)));
    EXPECT_THAT(Metrics(), testing::HasSubstr("in_progress{stage=\"fan_out_rows\"} 0\n"));
    subscriptions_.back()->OnDone();
    subscriptions_.pop_back();
  }
}

TEST_F(SubscriptionTest, SlowSubscriberHoldsOneMessageAndStopsNobody) {
  FakePeer& slow = NewPeer();
  FakePeer& fast = NewPeer();
  Subscribe(slow);
  Subscribe(fast);
  fast.ReadAll();
  // Far more than the change log holds, all of it while `slow` takes nothing.
  for (int id = 1; id <= 1000; ++id) {
    const Sequence sequence = Commit(id);
    if (id % 50 == 0) fast.WaitForSequence(sequence);
  }
  EXPECT_EQ(slow.messages().size(), 1u);
  EXPECT_FALSE(fast.finished());
  slow.EndWrite(true);
  const absl::Status end = slow.WaitForFinish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted, "fell behind"));
  EXPECT_EQ(DetailOf(end)->reason, "SUBSCRIBER_TOO_SLOW");
  EXPECT_EQ(DetailOf(end)->metadata.size(), 1u);
  EXPECT_THAT(Metrics(), testing::HasSubstr("ends_total{reason=\"SUBSCRIBER_TOO_SLOW\"} 1\n"));
  EXPECT_FALSE(fast.finished());
  hub_.Stop();
  fast.Join();
}

TEST_F(SubscriptionTest, WriteStalledFor30SecondsEndsAndIsCutOff) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  peer.WaitForWrite();
  clock_.Advance(Millis(29'999));
  subscription->Poll(clock_.SteadyNow());
  EXPECT_FALSE(peer.finished());
  Advance(Millis(1));
  const absl::Status end = peer.WaitForFinish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted, "30000 ms"));
  EXPECT_EQ(DetailOf(end)->reason, "SUBSCRIBER_TOO_SLOW");
  // With the token of what it did not take: it goes on behind it if it does after all.
  EXPECT_THAT(DetailOf(end)->metadata,
              testing::ElementsAre(testing::Pair("resume_token", peer.messages()[0].resume_token)));
  EXPECT_FALSE(peer.aborted());
  Advance(Millis(10'000));
  peer.WaitForAbort();
  peer.EndWrite(false);  // Comes late; changes nothing.
}

TEST_F(SubscriptionTest, NothingIsCutOffAfterOnDone) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  peer.WaitForWrite();
  Advance(Millis(30'000));
  EXPECT_THAT(peer.WaitForFinish(), StatusIs(absl::StatusCode::kResourceExhausted));
  subscription->OnDone();
  clock_.Advance(Millis(20'000));
  subscription->Poll(clock_.SteadyNow());
  EXPECT_FALSE(peer.aborted());
}

TEST_F(SubscriptionTest, CancelledWhileIdleEndsAtOnce) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  ReadSnapshot(peer);
  subscription->OnCancelled();
  EXPECT_TRUE(peer.finished());
  subscription->OnDone();
  EXPECT_THAT(Metrics(), testing::HasSubstr("alertjoin_subscribers 0\n"));
  EXPECT_THAT(Metrics(), testing::HasSubstr("ends_total{reason=\"CANCELLED\"} 1\n"));
}

TEST_F(SubscriptionTest, CancelledDuringAWriteEndsWithIt) {
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer);
  peer.WaitForWrite();
  subscription->OnCancelled();
  EXPECT_FALSE(peer.finished());
  peer.EndWrite(false);
  EXPECT_THAT(peer.WaitForFinish(), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(peer.messages().size(), 1u);
}

TEST_F(SubscriptionTest, FailedWriteEndsTheStream) {
  FakePeer& peer = NewPeer();
  Subscribe(peer);
  peer.WaitForWrite();
  peer.EndWrite(false);
  EXPECT_THAT(peer.WaitForFinish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SubscriptionTest, StopEndsIdleAndWritingSubscribers) {
  FakePeer& idle = NewPeer();
  FakePeer& writing = NewPeer();
  Subscribe(idle);
  Subscribe(writing);
  ReadSnapshot(idle);
  writing.WaitForWrite();
  hub_.Stop();
  EXPECT_EQ(DetailOf(idle.WaitForFinish())->reason, "STOPPING");
  EXPECT_FALSE(writing.finished());
  writing.EndWrite(true);
  EXPECT_EQ(DetailOf(writing.WaitForFinish())->reason, "STOPPING");
  for (FakePeer* peer : {&idle, &writing}) {
    EXPECT_THAT(
        DetailOf(peer->WaitForFinish())->metadata,
        testing::ElementsAre(testing::Pair("resume_token", peer->messages().back().resume_token)));
  }
}

// A source whose next message is made while the hub stops: the token is not to pass it over.
class StoppedMeanwhile final : public SubscriptionSource {
 public:
  explicit StoppedMeanwhile(SubscriptionHub& hub) : hub_(hub) {}
  absl::StatusOr<SubscriptionStep> Next(bool, Timestamp) override {
    hub_.Stop();
    token_ = fmt::format("behind message {}", ++messages_);
    SubscriptionStep step;
    step.kind = SubscriptionStep::Kind::kMessage;
    step.message = SubscriptionMessage{StartedMessage{"s", Sequence(1)}, token_};
    return step;
  }
  bool HasNews() const override { return true; }
  std::string Token() const override { return token_; }
  StreamKind Kind() const override { return StreamKind::kRows; }
  uint64_t Position() const override { return 0; }
  uint64_t Newest() const override { return 0; }

 private:
  SubscriptionHub& hub_;
  std::string token_ = "the start";
  int messages_ = 0;
};

TEST_F(SubscriptionTest, TheTokenOfAStopPassesNoMessageOverThatWasBeingMade) {
  FakePeer& peer = NewPeer();
  const auto subscription = std::make_shared<Subscription>(
      hub_, clock_, std::make_unique<StoppedMeanwhile>(hub_), SubscriptionOptions(), peer);
  peer.Attach(subscription);
  subscription->Start();
  peer.WaitForWrite();
  peer.EndWrite(true);
  const absl::Status end = peer.WaitForFinish();
  EXPECT_EQ(DetailOf(end)->reason, "STOPPING");
  ASSERT_EQ(peer.messages().size(), 1u);
  EXPECT_THAT(DetailOf(end)->metadata,
              testing::ElementsAre(testing::Pair("resume_token", "behind message 1")));
  subscription->OnDone();
}

TEST_F(SubscriptionTest, OneTooManyIsRefused) {
  for (int i = 0; i < 4; ++i) Subscribe(NewPeer());
  EXPECT_FALSE(peers_[2]->finished());
  EXPECT_EQ(DetailOf(peers_[3]->WaitForFinish())->reason, "TOO_MANY_SUBSCRIBERS");
  EXPECT_TRUE(peers_[3]->messages().empty());
}

// A store where something is published right after a reader saw that there is nothing.
class BusyStore final : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  // Commits the row behind the back of the next read that finds nothing.
  void SurpriseWith(JoinedRow row) { surprise_ = std::move(row); }

  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override {
    auto read = store_.ReadChanges(after, changes_max, bytes_max);
    if (read.ok() && read->sets.empty() && surprise_.has_value()) {
      store_.Commit({.changes = {*std::exchange(surprise_, std::nullopt)}}).value();
    }
    return read;
  }
  void RaiseOnChange(std::shared_ptr<ChangeSignal>) override {}

 private:
  mutable std::optional<JoinedRow> surprise_;
};

TEST_F(SubscriptionTest, NewsBetweenTheLastLookAndIdlenessIsNotMissed) {
  BusyStore busy(store_);
  SubscriptionHub deaf_hub(busy, clock_, registry_);  // No signal wakes it.
  busy.SurpriseWith(MakeRow({}));
  FakePeer& peer = NewPeer();
  const auto subscription = Subscribe(peer, busy, deaf_hub);
  ReadSnapshot(peer);  // Then it looks for more, finds nothing, and there is something.
  EXPECT_TRUE(peer.writing());
  EXPECT_EQ(peer.messages().size(), 3u);
  deaf_hub.Stop();
  subscription->OnDone();
  subscriptions_.clear();
}

// Writer, hub and peers on threads of their own, with nothing to slow them down: no news is missed.
TEST_F(SubscriptionTest, EveryPeerEndsWithTheTableUnderLoad) {
  prometheus::Registry registry;
  MemoryRowStore store(registry);
  SubscriptionHub hub(store, clock_, registry);
  RandomRowWriter writer(store, TestSeed());
  for (int i = 0; i < 4; ++i) {
    Subscribe(NewPeer(), store, hub);
    peers_.back()->ReadAll();
  }
  for (int i = 0; i < 300; ++i) writer.Commit();
  RowSpec last;
  last.id = 1000;
  const Sequence end = store.Commit({.changes = {MakeRow(last)}}).value();
  const DescribedRows before_last = writer.TableAt(Sequence(end.value() - 1), RowFilter());
  for (const auto& peer : peers_) peer->WaitForSequence(end);
  hub.Stop();
  for (const auto& peer : peers_) {
    peer->Join();
    const auto messages = peer->messages();
    ExpectOrdered(messages);
    ExpectUnique(messages);
    FoldedRows folded;
    for (const SubscriptionMessage& message : messages) folded.Apply(message);
    DescribedRows rows = folded.rows();
    EXPECT_EQ(rows.erase(IdOf(1000)), 1u);
    EXPECT_EQ(rows, before_last);
  }
  for (const auto& subscription : subscriptions_) subscription->OnDone();
  subscriptions_.clear();
}

}  // namespace
}  // namespace alertjoin
