#include "correlator-service/subscribe/subscription_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/joined_rows.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

const auto kNever = Clock::Steady::max() - std::chrono::hours(1);

// Counts its polls; waits in real time, for the hub's thread only.
class CountingSubscriber final : public Subscriber {
 public:
  Clock::Steady Poll(Clock::Steady now) override {
    MutexLock lock(mutex_);
    ++polls_;
    changed_.NotifyAll();
    return interval_ == Millis(0) ? kNever : now + interval_;
  }
  void End(const absl::Status& status) override {
    MutexLock lock(mutex_);
    end_ = status;
    changed_.NotifyAll();
  }
  SubscriberPlace Place() const override {
    MutexLock lock(mutex_);
    return place_;
  }
  void StandAt(const SubscriberPlace& place) {
    MutexLock lock(mutex_);
    place_ = place;
  }
  void WaitForPolls(int polls) {
    MutexLock lock(mutex_);
    while (polls_ < polls) changed_.Wait(mutex_);
  }
  int polls() const {
    MutexLock lock(mutex_);
    return polls_;
  }
  absl::Status end() const {
    MutexLock lock(mutex_);
    return end_;
  }
  void PollEvery(Millis interval) {
    MutexLock lock(mutex_);
    interval_ = interval;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  int polls_ GUARDED_BY(mutex_) = 0;
  Millis interval_ GUARDED_BY(mutex_){0};
  absl::Status end_ GUARDED_BY(mutex_);
  SubscriberPlace place_ GUARDED_BY(mutex_);
};

class SubscriptionHubTest : public testing::Test {
 protected:
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  ManualClock clock_{kRowsNow};
  MemoryRowStore store_{registry_};
};

TEST_F(SubscriptionHubTest, PollsNewSubscribersAndAfterEveryCommit) {
  SubscriptionHub hub(store_, clock_, registry_);
  const auto subscriber = std::make_shared<CountingSubscriber>();
  ASSERT_THAT(hub.Add(subscriber), IsOk());
  subscriber->WaitForPolls(1);
  const int polls = subscriber->polls();
  store_.Commit({.changes = {MakeRow({})}}).value();
  subscriber->WaitForPolls(polls + 1);
  hub.Nudge();
  subscriber->WaitForPolls(polls + 2);
}

TEST_F(SubscriptionHubTest, PollsAgainWhenTheSubscriberAsksFor) {
  SubscriptionHub hub(store_, clock_, registry_);
  const auto subscriber = std::make_shared<CountingSubscriber>();
  subscriber->PollEvery(Millis(1));
  ASSERT_THAT(hub.Add(subscriber), IsOk());
  subscriber->WaitForPolls(3);
}

TEST_F(SubscriptionHubTest, RemovedSubscriberIsLetGo) {
  SubscriptionHub hub(store_, clock_, registry_);
  auto subscriber = std::make_shared<CountingSubscriber>();
  const std::weak_ptr<CountingSubscriber> watched = subscriber;
  ASSERT_THAT(hub.Add(subscriber), IsOk());
  EXPECT_THAT(Metrics(), testing::HasSubstr("alertjoin_subscribers 1\n"));
  hub.Remove(subscriber.get());
  hub.Remove(subscriber.get());  // Changes nothing.
  EXPECT_THAT(Metrics(), testing::HasSubstr("alertjoin_subscribers 0\n"));
  hub.Stop();
  subscriber.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(SubscriptionHubTest, OneSubscriberTooManyIsRefused) {
  SubscriptionHub hub(store_, clock_, registry_, {.subscribers_max = 2});
  const auto first = std::make_shared<CountingSubscriber>();
  ASSERT_THAT(hub.Add(first), IsOk());
  ASSERT_THAT(hub.Add(std::make_shared<CountingSubscriber>()), IsOk());
  const absl::Status refused = hub.Add(std::make_shared<CountingSubscriber>());
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "limit"));
  EXPECT_EQ(DetailOf(refused)->reason, "TOO_MANY_SUBSCRIBERS");
  hub.Remove(first.get());
  EXPECT_THAT(hub.Add(std::make_shared<CountingSubscriber>()), IsOk());
}

TEST_F(SubscriptionHubTest, StopEndsSubscribersAndRefusesLaterOnes) {
  SubscriptionHub hub(store_, clock_, registry_);
  const auto subscriber = std::make_shared<CountingSubscriber>();
  ASSERT_THAT(hub.Add(subscriber), IsOk());
  hub.Stop();
  EXPECT_THAT(subscriber->end(), StatusIs(absl::StatusCode::kUnavailable, "stopping"));
  EXPECT_EQ(DetailOf(subscriber->end())->reason, "STOPPING");
  EXPECT_THAT(hub.Add(std::make_shared<CountingSubscriber>()),
              StatusIs(absl::StatusCode::kUnavailable));
  hub.Stop();  // Changes nothing.
}

TEST_F(SubscriptionHubTest, TheLagOfTheSlowestIsTold) {
  SubscriptionHub hub(store_, clock_, registry_);
  const auto fast = std::make_shared<CountingSubscriber>();
  const auto slow = std::make_shared<CountingSubscriber>();
  fast->StandAt({StreamKind::kSamples, 9, 10});
  slow->StandAt({StreamKind::kSamples, 3, 10});
  ASSERT_THAT(hub.Add(fast), IsOk());
  ASSERT_THAT(hub.Add(slow), IsOk());
  // Looks are 250 ms apart by the clock, and whoever looks has polled before.
  const auto look_twice = [&] {
    for (int i = 0; i < 2; ++i) {
      const int polls = slow->polls();
      clock_.Advance(std::chrono::seconds(1));
      hub.Nudge();
      slow->WaitForPolls(polls + 2);
    }
  };
  look_twice();
  EXPECT_THAT(Metrics(), testing::HasSubstr("lag_changes{stream=\"samples\"} 7\n"));
  EXPECT_THAT(Metrics(), testing::HasSubstr("lag_changes{stream=\"rows\"} 0\n"));
  hub.Remove(slow.get());
  hub.Remove(fast.get());
}

TEST_F(SubscriptionHubTest, EndsAreCountedByReason) {
  SubscriptionHub hub(store_, clock_, registry_);
  hub.CountEnd(WithReason(absl::OutOfRangeError("x"), "RESUME_TOKEN_TOO_OLD"));
  hub.CountEnd(absl::CancelledError("x"));
  hub.CountEnd(absl::CancelledError("y"));
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, testing::HasSubstr("ends_total{reason=\"RESUME_TOKEN_TOO_OLD\"} 1\n"));
  EXPECT_THAT(metrics, testing::HasSubstr("ends_total{reason=\"CANCELLED\"} 2\n"));
}

}  // namespace
}  // namespace alertjoin
