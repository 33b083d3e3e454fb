#include "correlator-service/subscribe/subscription_hub.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <algorithm>
#include <limits>

#include "common/metrics/metric_families.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "common/sync/thread.h"

namespace alertjoin {
namespace {

// How long the thread waits when nobody asks for less.
constexpr Millis kIdleWait = std::chrono::minutes(10);
// How often lags are looked at while there are any.
constexpr Millis kLagInterval{250};

// On which searches go on. What waits for them is bounded by the number of subscribers.
constexpr size_t kSearchThreads = 2;
constexpr size_t kSearchesMax = std::numeric_limits<size_t>::max();

absl::Status Stopping() {
  return MakeError("STOPPING",
                   "subscription: the correlator is stopping: connect again and go on with the "
                   "resume token");
}

// The reason of the status where it has one: a closed set of words. Otherwise its code.
std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  if (detail.has_value() && !detail->reason.empty()) return detail->reason;
  return absl::StatusCodeToString(status.code());
}

}  // namespace

SubscriptionHub::SubscriptionHub(RowStore& store, const Clock& clock,
                                 prometheus::Registry& registry, SubscriptionHubOptions options)
    : clock_(clock),
      signal_(std::make_shared<ChangeSignal>()),
      subscribers_gauge_(OneGauge(registry, "alertjoin_subscribers", "Open subscriptions.")),
      ends_total_(CounterFamily(registry, "alertjoin_subscription_ends_total",
                                "Subscriptions that ended or were refused, by reason.")),
      fan_out_{{{registry, "fan_out_rows"},
                {registry, "fan_out_alerts"},
                {registry, "fan_out_samples"}}},
      lag_(registry),
      subscribers_max_(options.subscribers_max),
      searches_("search", kSearchThreads, kSearchesMax) {
  store.RaiseOnChange(signal_);
  thread_ = StartThread("subscriptions", [this] { Run(); });
}

SubscriptionHub::~SubscriptionHub() { Stop(); }

absl::Status SubscriptionHub::Add(std::shared_ptr<Subscriber> subscriber) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return Stopping();
    if (subscribers_.size() >= subscribers_max_) {
      return MakeError(
          "TOO_MANY_SUBSCRIBERS",
          fmt::format("subscription: there are {} subscribers already, which is the limit: "
                      "end one, or try again later",
                      subscribers_.size()));
    }
    const Subscriber* const key = subscriber.get();
    subscribers_.emplace(key, std::move(subscriber));
    subscribers_gauge_.Set(static_cast<double>(subscribers_.size()));
  }
  signal_->Raise();
  return absl::OkStatus();
}

void SubscriptionHub::SetSubscribersMax(size_t subscribers_max) {
  MutexLock lock(mutex_);
  subscribers_max_ = subscribers_max;
}

void SubscriptionHub::Remove(const Subscriber* subscriber) {
  std::shared_ptr<Subscriber> removed;  // Freed without the lock.
  MutexLock lock(mutex_);
  const auto found = subscribers_.find(subscriber);
  if (found == subscribers_.end()) return;
  removed = std::move(found->second);
  subscribers_.erase(found);
  subscribers_gauge_.Set(static_cast<double>(subscribers_.size()));
}

void SubscriptionHub::Stop() {
  MutexLock stop_lock(stop_mutex_);
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  signal_->Raise();
  if (thread_.joinable()) thread_.join();
  // Each that is under way finds its subscriber ended.
  searches_.Stop();
}

void SubscriptionHub::CountEnd(const absl::Status& status) {
  ends_total_.Add({{"reason", ReasonOf(status)}}).Increment();
}

std::vector<std::shared_ptr<Subscriber>> SubscriptionHub::Subscribers() const {
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  MutexLock lock(mutex_);
  subscribers.reserve(subscribers_.size());
  for (const auto& [key, subscriber] : subscribers_) subscribers.push_back(subscriber);
  return subscribers;
}

Clock::Steady SubscriptionHub::LookAtLags(
    const std::vector<std::shared_ptr<Subscriber>>& subscribers, Clock::Steady now) {
  // Whatever has changed since is looked at then.
  if (now < next_look_) return next_look_;
  next_look_ = now + kLagInterval;
  lag_.Begin();
  for (const auto& subscriber : subscribers) lag_.Add(subscriber->Place());
  return lag_.Publish(now) ? next_look_ : now + kIdleWait;
}

void SubscriptionHub::Run() {
  const auto stopping = [this] {
    MutexLock lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    const Clock::Steady now = clock_.SteadyNow();
    Clock::Steady next = now + kIdleWait;
    const auto subscribers = Subscribers();
    for (const auto& subscriber : subscribers) next = std::min(next, subscriber->Poll(now));
    next = std::min(next, LookAtLags(subscribers, now));
    // The signal waits in the machine's time; the clock may be one of a test.
    signal_->Wait(std::chrono::steady_clock::now() +
                  std::max(next - clock_.SteadyNow(), Clock::Steady::duration::zero()));
  }
  // After this nobody can be added.
  for (const auto& subscriber : Subscribers()) subscriber->End(Stopping());
}

}  // namespace alertjoin
