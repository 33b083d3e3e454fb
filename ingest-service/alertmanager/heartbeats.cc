#include "ingest-service/alertmanager/heartbeats.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <utility>

#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

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
  for (auto known = gauges_.begin(); known != gauges_.end();) {
    const auto& [source, gauges] = *known;
    if (options_->contains(source)) {
      ++known;
      continue;
    }
    last_.Remove(gauges.last);
    max_age_.Remove(gauges.max_age);
    known = gauges_.erase(known);
  }
  for (const auto& [source, heartbeat] : *options_) {
    const auto known = gauges_.find(source);
    if (known != gauges_.end()) {
      known->second.max_age->Set(Seconds(heartbeat.max_age));
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
  Gauges& gauges = gauges_[source];
  if (gauges.last == nullptr) {
    gauges = {&last_.Add({{"source", source}}), &max_age_.Add({{"source", source}})};
  }
  gauges.last->Set(Seconds(clock_.Now() - Timestamp()));
  gauges.max_age->Set(Seconds(heartbeat.max_age));
}

}  // namespace alertjoin
