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
  for (auto entry = known_.begin(); entry != known_.end();) {
    Known& known = entry->second;
    const auto wanted = options_->find(entry->first);
    if (wanted != options_->end() && (wanted->second.expected || known.beat.has_value())) {
      ++entry;
      continue;
    }
    last_.Remove(known.last);
    HideMaxAge(known);
    entry = known_.erase(entry);
  }
  for (const auto& [source, heartbeat] : *options_) {
    const auto [entry, is_new] = known_.try_emplace(source);
    if (is_new && !heartbeat.expected) {
      known_.erase(entry);
      continue;
    }
    if (is_new) ShowLast(source, entry->second);
    ShowMaxAge(source, heartbeat, entry->second);
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
  if (heartbeat == options_->end()) return;
  Known& known = known_[source];
  const Clock::Steady now = clock_.SteadyNow();
  if (known.beat.has_value()) {
    known.pauses.push_back(std::chrono::duration_cast<Millis>(now - *known.beat));
    if (known.pauses.size() > kPauses) known.pauses.pop_front();
  }
  known.beat = now;
  ShowLast(source, known);
  ShowMaxAge(source, heartbeat->second, known);
}

void Heartbeats::ShowLast(const std::string& source, Known& known) {
  if (known.last == nullptr) known.last = &last_.Add({{"source", source}});
  known.last->Set(Seconds(clock_.Now() - Timestamp()));
}

void Heartbeats::ShowMaxAge(const std::string& source, const HeartbeatOptions& heartbeat,
                            Known& known) {
  if (!heartbeat.expected && known.pauses.size() < kPauses) return HideMaxAge(known);
  Millis age = heartbeat.max_age;
  if (!heartbeat.expected) {
    age = std::max(age, 2 * *std::max_element(known.pauses.begin(), known.pauses.end()));
  }
  if (known.max_age == nullptr) known.max_age = &max_age_.Add({{"source", source}});
  known.max_age->Set(Seconds(age));
}

void Heartbeats::HideMaxAge(Known& known) {
  if (known.max_age != nullptr) max_age_.Remove(known.max_age);
  known.max_age = nullptr;
}

}  // namespace alertjoin
