#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "correlator-service/subscribe/subscription.h"
#include "tests/support/joined_rows.h"

namespace alertjoin {

// A peer whose reading the test controls. As gRPC does, it tells of a finished write on a thread of
// its own, and of the end once no write is under way.
class FakePeer final : public SubscriptionOutput {
 public:
  ~FakePeer() override { Join(); }

  // Reads everything from now on, on a thread.
  void ReadAll() {
    reader_ = std::thread([this] {
      for (;;) {
        {
          MutexLock lock(mutex_);
          while (!writing_ && !finished_) changed_.Wait(mutex_);
          if (!writing_) return;
          writing_ = false;
        }
        subscription_->OnWritten(true);
      }
    });
  }
  // Reads one message.
  void ReadOne() {
    WaitForWrite();
    EndWrite(true);
  }
  void WaitForWrite() {
    MutexLock lock(mutex_);
    while (!writing_) changed_.Wait(mutex_);
  }
  void EndWrite(bool ok) {
    {
      MutexLock lock(mutex_);
      EXPECT_TRUE(writing_);
      writing_ = false;
    }
    subscription_->OnWritten(ok);
  }
  absl::Status WaitForFinish() {
    MutexLock lock(mutex_);
    while (!finished_) changed_.Wait(mutex_);
    return end_;
  }
  void WaitForAbort() {
    MutexLock lock(mutex_);
    while (!aborted_) changed_.Wait(mutex_);
  }
  // Waits until the fold is the table at this sequence.
  void WaitForSequence(Sequence sequence) {
    MutexLock lock(mutex_);
    while (folded_.sequence() < sequence || !folded_.snapshot_complete()) changed_.Wait(mutex_);
  }
  bool writing() const {
    MutexLock lock(mutex_);
    return writing_;
  }
  bool finished() const {
    MutexLock lock(mutex_);
    return finished_;
  }
  bool aborted() const {
    MutexLock lock(mutex_);
    return aborted_;
  }
  std::vector<SubscriptionMessage> messages() const {
    MutexLock lock(mutex_);
    return messages_;
  }
  void Join() {
    if (reader_.joinable()) reader_.join();
  }
  void Attach(std::shared_ptr<Subscription> subscription) {
    subscription_ = std::move(subscription);
  }

  void Write(const SubscriptionMessage& message) override {
    MutexLock lock(mutex_);
    EXPECT_FALSE(writing_) << "two writes at once";
    EXPECT_FALSE(finished_) << "a write after the end";
    writing_ = true;
    messages_.push_back(message);
    folded_.Apply(message);
    changed_.NotifyAll();
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(mutex_);
    EXPECT_FALSE(finished_) << "two ends";
    finished_ = true;
    end_ = status;
    changed_.NotifyAll();
  }
  void Abort() override {
    MutexLock lock(mutex_);
    EXPECT_TRUE(finished_);
    aborted_ = true;
    changed_.NotifyAll();
  }

 private:
  std::shared_ptr<Subscription> subscription_;
  std::thread reader_;
  mutable Mutex mutex_;
  CondVar changed_;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool aborted_ GUARDED_BY(mutex_) = false;
  absl::Status end_ GUARDED_BY(mutex_);
  std::vector<SubscriptionMessage> messages_ GUARDED_BY(mutex_);
  FoldedRows folded_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
