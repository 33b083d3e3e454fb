// Subscriptions whose steps find nothing though there is more to read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription.h"
#include "tests/support/joined_rows.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/subscribe/fake_peer.h"

namespace alertjoin {
namespace {

// Finds nothing in any step, and is held up in the second until it is let go.
class EndlessSearch final : public SubscriptionSource {
 public:
  absl::StatusOr<SubscriptionStep> Next(bool, Timestamp) override {
    MutexLock lock(mutex_);
    ++steps_;
    changed_.NotifyAll();
    while (steps_ == 2 && !let_go_) changed_.Wait(mutex_);
    return SubscriptionStep{.kind = SubscriptionStep::Kind::kAgain, .message = {}};
  }
  bool HasNews() const override { return false; }
  std::string Token() const override { return "token"; }
  StreamKind Kind() const override { return StreamKind::kRows; }
  uint64_t Position() const override { return 0; }
  uint64_t Newest() const override { return 0; }

  void WaitForStep(int step) {
    MutexLock lock(mutex_);
    while (steps_ < step) changed_.Wait(mutex_);
  }
  void LetGo() {
    MutexLock lock(mutex_);
    let_go_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int steps_ GUARDED_BY(mutex_) = 0;
  bool let_go_ GUARDED_BY(mutex_) = false;
};

class SubscriptionSearchTest : public testing::Test {
 protected:
  ~SubscriptionSearchTest() override {
    hub_.Stop();
    for (const auto& subscription : subscriptions_) subscription->OnDone();
  }
  Subscription& Subscribe(FakePeer& peer, std::unique_ptr<SubscriptionSource> source) {
    auto subscription = std::make_shared<Subscription>(hub_, clock_, std::move(source),
                                                       SubscriptionOptions{}, peer);
    peer.Attach(subscription);
    subscriptions_.push_back(subscription);
    subscription->Start();
    return *subscription;
  }

  FakePeer live_;
  FakePeer searching_;
  prometheus::Registry registry_;
  ManualClock clock_{kRowsNow};
  MemoryRowStore store_{registry_};
  SubscriptionHub hub_{store_, clock_, registry_};
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
};

// One thread polled all subscribers and searched for them, too: whoever followed live waited for
// the steps of all searches.
TEST_F(SubscriptionSearchTest, WhoFollowsLiveWaitsForNone) {
  auto cursor = SubscriptionCursor::Create(store_, {}, clock_.Now());
  ASSERT_THAT(cursor, IsOk());
  Subscribe(live_, std::make_unique<SubscriptionCursor>(*std::move(cursor)));
  live_.ReadOne();  // started
  live_.ReadOne();  // snapshot_complete
  auto source = std::make_unique<EndlessSearch>();
  EndlessSearch& search = *source;
  Subscription& subscription = Subscribe(searching_, std::move(source));
  search.WaitForStep(2);
  store_.Commit({.changes = {MakeRow({})}}).value();
  live_.ReadOne();
  subscription.OnCancelled();
  EXPECT_FALSE(searching_.finished()) << "in the middle of a step";
  search.LetGo();
  EXPECT_THAT(searching_.WaitForFinish(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SubscriptionSearchTest, EndsWithTheHub) {
  auto source = std::make_unique<EndlessSearch>();
  EndlessSearch& search = *source;
  search.LetGo();
  Subscribe(searching_, std::move(source));
  search.WaitForStep(10);
  hub_.Stop();
  EXPECT_THAT(searching_.WaitForFinish(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace alertjoin
