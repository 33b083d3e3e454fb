#pragma once

#include <prometheus/registry.h>

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/metrics/stage_metrics.h"
#include "common/sync/mutex.h"
#include "common/sync/worker_pool.h"
#include "common/time/clock.h"
#include "correlator-service/rows/change_signal.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/selection_cache.h"
#include "correlator-service/subscribe/subscriber_lag.h"

namespace prometheus {
class Counter;
class Gauge;
}  // namespace prometheus

namespace alertjoin {

// One who follows the row store. Methods are called by one thread at a time, the hub's; they must
// not block.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // Looks for something to do: news in the store, a deadline that has passed. Returns when it wants
  // to be asked again at the latest, by the hub's clock.
  virtual Clock::Steady Poll(Clock::Steady now) = 0;
  // Ends with the status; whoever has a place to go on at adds it. A second call changes nothing.
  virtual void End(const absl::Status& status) = 0;
  // How far it has come, for metrics.
  virtual SubscriberPlace Place() const = 0;
};

struct SubscriptionHubOptions {
  size_t subscribers_max = 1000;
};

// Wakes idle subscribers: when the store has news, when a deadline comes, when one asks for a turn.
// It has one thread for that, and others on which long searches go on, by turns: those who follow
// live wait for no one who looks at much and finds little. The writer only raises a signal and
// never waits for a subscriber. Thread-safe.
//
// Metrics: alertjoin_subscribers, alertjoin_subscription_ends_total{reason}, those of
// SubscriberLag, and the stages "fan_out_rows", "fan_out_alerts" and "fan_out_samples".
class SubscriptionHub {
 public:
  // The store, clock and registry must outlive the hub. Starts its thread.
  SubscriptionHub(RowStore& store, const Clock& clock, prometheus::Registry& registry,
                  SubscriptionHubOptions options = {});
  ~SubscriptionHub();  // Stops.
  SubscriptionHub(const SubscriptionHub&) = delete;
  SubscriptionHub& operator=(const SubscriptionHub&) = delete;

  // From now on the subscriber is polled, until it is removed. RESOURCE_EXHAUSTED, reason
  // TOO_MANY_SUBSCRIBERS; UNAVAILABLE, reason STOPPING. The hub shares ownership, so that a
  // subscriber removed during its poll lives to the end of it.
  absl::Status Add(std::shared_ptr<Subscriber> subscriber) EXCLUDES_LOCK(mutex_);
  void Remove(const Subscriber* subscriber) EXCLUDES_LOCK(mutex_);
  // From now on; nobody who is there is ended.
  void SetSubscribersMax(size_t subscribers_max) EXCLUDES_LOCK(mutex_);
  // Has the next step of a subscriber's search done on one of the threads for these, behind all
  // that wait there; a subscriber has one at most. False once Stop has ended every subscriber.
  bool TryGoOn(std::function<void()> step) { return searches_.TrySubmit(std::move(step)); }
  // Has every subscriber polled soon.
  void Nudge() { signal_->Raise(); }
  // The same for whoever publishes; the row store has it already.
  const std::shared_ptr<ChangeSignal>& signal() const { return signal_; }

  // Ends every subscriber, and every later one, with UNAVAILABLE, reason STOPPING, and stops
  // polling and searching. Idempotent. Do it before the server's Shutdown, which waits for open
  // streams.
  void Stop() EXCLUDES_LOCK(mutex_);

  // Counts a subscription that ended or was refused with the status.
  void CountEnd(const absl::Status& status);

  // Messages of a stream: those that are being written, and those that were taken.
  StageMetrics& fan_out(StreamKind kind) { return fan_out_[static_cast<size_t>(kind)]; }

  // What subscribers with equal filters share.
  SelectionCache& selections() { return selections_; }
  AlertSelectionCache& alert_selections() { return alert_selections_; }

 private:
  void Run() EXCLUDES_LOCK(mutex_);
  // Looks at the lags, when it is time; gives when it is time again.
  Clock::Steady LookAtLags(const std::vector<std::shared_ptr<Subscriber>>& subscribers,
                           Clock::Steady now);
  std::vector<std::shared_ptr<Subscriber>> Subscribers() const EXCLUDES_LOCK(mutex_);

  // Constant after construction.
  const Clock& clock_;
  const std::shared_ptr<ChangeSignal> signal_;
  prometheus::Gauge& subscribers_gauge_;
  prometheus::Family<prometheus::Counter>& ends_total_;
  std::array<StageMetrics, kStreamKinds> fan_out_;

  // The hub's thread only.
  SubscriberLag lag_;
  Clock::Steady next_look_;  // When lags are looked at again.

  SelectionCache selections_;
  AlertSelectionCache alert_selections_;

  mutable Mutex mutex_;
  std::unordered_map<const Subscriber*, std::shared_ptr<Subscriber>> subscribers_
      GUARDED_BY(mutex_);
  size_t subscribers_max_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;

  Mutex stop_mutex_;  // One Stop at a time. Taken before mutex_.
  std::thread thread_;
  WorkerPool searches_;
};

}  // namespace alertjoin
