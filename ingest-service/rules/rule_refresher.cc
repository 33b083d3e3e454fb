#include "ingest-service/rules/rule_refresher.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"
#include "common/metrics/metric_families.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kLane[] = "rules";
constexpr Millis kRetryFirst = std::chrono::seconds(1);

}  // namespace

RuleRefresher::RuleRefresher(Environment environment)
    : environment_(environment),
      refreshes_(CounterFamily(environment.registry, "alertjoin_rules_refreshes_total",
                               "Readings of the alerting rules of a metrics source, by outcome.")),
      rules_(GaugeFamily(environment.registry, "alertjoin_rules",
                         "Alerting rules known of a metrics source.")),
      left_out_(GaugeFamily(environment.registry, "alertjoin_rules_left_out",
                            "Alerting rules of a metrics source that are beyond a limit.")) {}

void RuleRefresher::AddSource(const MetricsSourceOptions& options, PrometheusClient& client) {
  const std::string& name = options.name;
  const Millis refresh = options.learn.refresh;
  sources_.push_back(std::make_unique<Source>(Source{
      name, refresh, client,
      Backoff(std::min(kRetryFirst, refresh), refresh, LabelSet{{"rules_of", name}}.Fingerprint()),
      refreshes_.Add({{"source", name}, {"outcome", "ok"}}),
      refreshes_.Add({{"source", name}, {"outcome", "failed"}}),
      OwnedGauge(rules_, {{"source", name}}), OwnedGauge(left_out_, {{"source", name}})}));
}

Timestamp RuleRefresher::Step() {
  const Timestamp now = environment_.clock.Now();
  Timestamp next = Timestamp::Max();
  for (const auto& source : sources_) {
    if (source->under_way) continue;
    // A clock that was set back must not stop it.
    source->due = std::min(source->due, now + source->refresh);
    if (source->due <= now) {
      Start(*source);
    } else {
      next = std::min(next, source->due);
    }
  }
  return next;
}

void RuleRefresher::Start(Source& source) {
  source.under_way = true;
  source.client.GetData(
      "/api/v1/rules", {{"type", "alert"}}, kLane,
      [this, &source](const absl::StatusOr<nlohmann::json>& data) {
        // Decoded here, on the transport's thread: the executor's has more to do.
        auto rules = std::make_shared<const absl::StatusOr<RuleList>>(
            data.ok() ? DecodeRuleList(*data) : absl::StatusOr<RuleList>(data.status()));
        environment_.executor.Post([this, &source, rules] { Finish(source, *rules); });
      });
}

void RuleRefresher::Finish(Source& source, const absl::StatusOr<RuleList>& rules) {
  const Timestamp now = environment_.clock.Now();
  source.under_way = false;
  if (!rules.ok()) return OnFailure(source, rules.status(), now);
  source.read.Increment();
  source.rules.Set(static_cast<double>(rules->rules.size()));
  source.left_out.Set(static_cast<double>(rules->rules_left_out));
  source.backoff.Reset();
  source.due = now + source.refresh;
  if (std::exchange(source.failing, false)) {
    LogInfo("alerting rules are read again", {{"source", source.name}});
  }
  environment_.catalog.Publish(source.name, std::make_shared<const RuleList>(*rules));
  environment_.polls.OnRules(source.name, *rules);
}

void RuleRefresher::OnFailure(Source& source, const absl::Status& status, Timestamp now) {
  source.failed.Increment();
  source.due = now + source.backoff.Next();
  if (std::exchange(source.failing, true)) return;
  LogWarn("alerting rules cannot be read: those known are kept",
          {{"source", source.name}, {"error", MessageOf(status)}});
}

}  // namespace alertjoin
