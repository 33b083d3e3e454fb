#include "ingest-service/alertmanager/heartbeats.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <utility>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// A longer time was no pause between two, but the way that was broken.
constexpr Millis kBetweenMax = std::chrono::hours(24);

double Seconds(Millis time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Matchers DefaultHeartbeatMatchers() {
  auto matcher = Matcher::Create("alertname", Matcher::Operator::kEqual, "Watchdog");
  CHECK(matcher.ok());
  return Matchers({*std::move(matcher)});
}

Heartbeats::Heartbeats(const Clock& clock, prometheus::Registry& registry)
    : clock_(clock),
      last_(GaugeFamily(registry, "alertjoin_heartbeat_timestamp_seconds",
                        "When the heartbeat of an alert source last came, in unix time.")),
      max_age_(GaugeFamily(registry, "alertjoin_heartbeat_max_age_seconds",
                           "How old the heartbeat of an alert source may be.")),
      options_(std::make_shared<const Options>()) {}

void Heartbeats::Watch(Options options) {
  std::erase_if(options, [](const auto& entry) { return !entry.second.enabled; });
  auto shared = std::make_shared<const Options>(std::move(options));
  MutexLock lock(mutex_);
  options_ = std::move(shared);
  for (auto known = known_.begin(); known != known_.end();) {
    if (options_->contains(known->first)) {
      ++known;
      continue;
    }
    last_.Remove(known->second.last);
    if (known->second.max_age != nullptr) max_age_.Remove(known->second.max_age);
    known = known_.erase(known);
  }
  for (const auto& [source, heartbeat] : *options_) {
    const auto known = known_.find(source);
    if (known != known_.end()) {
      ShowMaxAge(source, heartbeat, known->second);
    } else if (heartbeat.expected) {
      BeatLocked(source, heartbeat);
    }
  }
}

bool Heartbeats::IsAmong(const std::string& source, std::span<const TransitionEvent> alerts) const {
  std::shared_ptr<const Options> options;
  {
    MutexLock lock(mutex_);
    options = options_;
  }
  const auto heartbeat = options->find(source);
  if (heartbeat == options->end()) return false;
  return std::ranges::any_of(alerts, [&](const TransitionEvent& alert) {
    return alert.state == AlertState::kFiring && heartbeat->second.matchers.Matches(alert.labels);
  });
}

void Heartbeats::Beat(const std::string& source) {
  MutexLock lock(mutex_);
  const auto heartbeat = options_->find(source);
  if (heartbeat != options_->end()) BeatLocked(source, heartbeat->second);
}

void Heartbeats::BeatLocked(const std::string& source, const HeartbeatOptions& heartbeat) {
  const Timestamp now = clock_.Now();
  auto found = known_.find(source);
  if (found == known_.end()) {
    found = known_.emplace(source, Known{now, Millis(0), &last_.Add({{"source", source}})}).first;
  }
  Known& known = found->second;
  known.longest = std::max(known.longest, std::min(now - known.beat, kBetweenMax));
  known.beat = now;
  known.last->Set(Seconds(now - Timestamp()));
  ShowMaxAge(source, heartbeat, known);
}

void Heartbeats::ShowMaxAge(const std::string& source, const HeartbeatOptions& heartbeat,
                            Known& known) {
  if (!heartbeat.expected && known.longest == Millis(0)) return;
  if (known.max_age == nullptr) known.max_age = &max_age_.Add({{"source", source}});
  const Millis age =
      heartbeat.expected ? heartbeat.max_age : std::max(heartbeat.max_age, 2 * known.longest);
  known.max_age->Set(Seconds(age));
}

}  // namespace alertjoin
