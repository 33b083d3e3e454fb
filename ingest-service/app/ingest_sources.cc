#include "ingest-service/app/ingest_sources.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/app/tell_again.h"
#include "ingest-service/binding/rule_binder.h"
#include "ingest-service/prometheus/same_options.h"

namespace alertjoin {
namespace {

constexpr auto kGrafanaAwaited = std::chrono::seconds(5);

// `found` are the data sources of Grafanas that are there now.
RuleBinderOptions BinderOptionsOf(const IngestConfig& config, const RuleCatalog& catalog,
                                  const std::vector<MetricsSourceOptions>& found) {
  RuleBinderOptions options;
  for (const auto* sources : {&config.metrics_sources, &found}) {
    for (const MetricsSourceOptions& source : *sources) {
      options.sources.push_back({source.name, source.url, source.external_url});
      for (const QueryOptions& query : source.queries) {
        options.queries.push_back({source.name, query.name, query.expression});
      }
    }
  }
  // The others wait for a data source that has their query.
  std::ranges::copy_if(
      config.bindings, std::back_inserter(options.rules), [&options](const BindingRule& rule) {
        return std::ranges::any_of(options.queries, [&rule](const BoundQuery& query) {
          return query.name == rule.query && (rule.source.empty() || rule.source == query.source);
        });
      });
  options.catalog = &catalog;
  return options;
}

bool SameGrafana(const GrafanaOptions& a, const GrafanaOptions& b) {
  const auto& [name, url, terms, interval, include, exclude, uids] = a;
  return name == b.name && url == b.url && SameSource(terms, b.terms) && interval == b.interval &&
         include == b.include && exclude == b.exclude && uids == b.uids;
}

bool SameBackfill(const IngestConfig& a, const IngestConfig& b) {
  const auto wanted = [](const IngestConfig& config) {
    std::vector<MetricsSourceOptions> sources = config.metrics_sources;
    std::erase_if(sources, [](const auto& source) { return !source.backfill.has_value(); });
    return sources;
  };
  return SameSources(wanted(a), wanted(b));
}

}  // namespace

absl::StatusOr<std::unique_ptr<IngestSources>> IngestSources::Create(const IngestConfig& config,
                                                                     SpoolLanes& lanes,
                                                                     prometheus::Registry& registry,
                                                                     const Clock& clock) {
  // One that binds nothing, until there is a catalogue to bind with.
  ASSIGN_OR_RETURN(auto nothing, RuleBinder::Create(RuleBinderOptions(), registry));
  auto made = std::unique_ptr<IngestSources>(
      new IngestSources(config, std::move(nothing), lanes, registry, clock));
  ASSIGN_OR_RETURN(auto binder, made->MakeBinder(config, {}));
  made->binder_.Switch(std::move(binder));
  return made;
}

IngestSources::IngestSources(const IngestConfig& config, std::shared_ptr<const Binder> binder,
                             SpoolLanes& lanes, prometheus::Registry& registry, const Clock& clock)
    : lanes_(lanes),
      registry_(registry),
      clock_(clock),
      sink_(lanes.samples()),
      binder_(std::move(binder)),
      sources_({config.producer_id, sink_, catalog_, registry, clock}),
      reconciler_(std::make_shared<SwitchedReconciler>(
          [this](const std::shared_ptr<TransitionListener>& begun) { TellAll({begun}); }, registry,
          clock)),
      config_(config),
      bound_(config),
      found_(std::make_shared<std::vector<MetricsSourceOptions>>()) {}

IngestSources::~IngestSources() { Stop(); }

absl::StatusOr<std::shared_ptr<const Binder>> IngestSources::MakeBinder(
    const IngestConfig& config, const std::vector<MetricsSourceOptions>& found) const {
  ASSIGN_OR_RETURN(auto binder,
                   RuleBinder::Create(BinderOptionsOf(config, catalog_, found), registry_));
  return std::shared_ptr<const Binder>(std::move(binder));
}

void IngestSources::Rebind() {
  auto binder = MakeBinder(bound_, *found_);
  if (binder.ok()) return binder_.Switch(*std::move(binder));
  LogError("alerts are not bound to the data sources of Grafana",
           {{"error", MessageOf(binder.status())}});
}

void IngestSources::OnFound(const Found& of, const std::vector<MetricsSourceOptions>& found) {
  {
    MutexLock lock(binding_mutex_);
    *of = found;
    if (of != found_) return;
    Rebind();
  }
  SwitchReconciler();
}

void IngestSources::SwitchReconciler() {
  const auto wanted = [this] {
    MutexLock lock(binding_mutex_);
    return ReconciledBy(bound_, *found_);
  };
  reconciler_->Switch(wanted, *intake_);
}

IngestSources::Grafana IngestSources::StartGrafana(const IngestConfig& config) {
  Grafana grafana;
  grafana.found = std::make_shared<std::vector<MetricsSourceOptions>>();
  grafana.sources = std::make_shared<GrafanaSources>(
      config.grafana_sources, sources_, sink_, catalog_, registry_, clock_,
      [this, of = grafana.found](const std::vector<MetricsSourceOptions>& found) {
        OnFound(of, found);
      },
      config.producer_id);
  grafana.sources->Start();
  return grafana;
}

absl::Status IngestSources::Start(TransitionIntake& intake) {
  intake_ = &intake;
  ASSIGN_OR_RETURN(SourceSet::Next next, sources_.Prepare(config_.metrics_sources));
  sources_.Commit(std::move(next));
  Grafana grafana = StartGrafana(config_);
  grafana_ = std::move(grafana.sources);
  {
    MutexLock lock(binding_mutex_);
    found_ = grafana.found;
    Rebind();
  }
  listeners_.Set({grafana_, reconciler_});
  TellAll({grafana_});  // Which tells the metrics sources.
  // Alerts that come before are not bound to data sources.
  grafana_->WaitUntilLooked(clock_.SteadyNow() + kGrafanaAwaited);
  ASSIGN_OR_RETURN(backfill_, ServiceBackfill::Start(config_, lanes_.samples(),
                                                     lanes_.correlator_store(), registry_, clock_));
  SwitchReconciler();
  return absl::OkStatus();
}

void IngestSources::TellAll(TransitionTee::Listeners begun) {
  if (begun.empty()) return;
  TransitionTee tee;
  tee.Set(std::move(begun));
  // What cannot be read is the uplink's to report; new alerts are taken all the same.
  const absl::Status told = TellAgain(lanes_.alerts(), clock_.Now(), tee);
  if (!told.ok()) LogWarn("exact queries are not asked again", {{"error", MessageOf(told)}});
}

absl::Status IngestSources::Reload(const IngestConfig& next) {
  const bool same_grafana =
      std::ranges::equal(next.grafana_sources, config_.grafana_sources, SameGrafana);
  RETURN_IF_ERROR(ServiceBackfill::Check(next, clock_));
  RETURN_IF_ERROR(MakeBinder(next, {}).status());
  ASSIGN_OR_RETURN(SourceSet::Next sources, sources_.Prepare(next.metrics_sources));

  // Nothing fails from here on.
  TransitionTee::Listeners begun(sources.begun.begin(), sources.begun.end());
  std::shared_ptr<GrafanaSources> ended;
  Found found;
  if (!same_grafana) {
    Grafana grafana = StartGrafana(next);
    grafana.sources->WaitUntilLooked(clock_.SteadyNow() + kGrafanaAwaited);
    ended = std::exchange(grafana_, std::move(grafana.sources));
    found = std::move(grafana.found);
    begun.push_back(grafana_);
  }
  sources_.Commit(std::move(sources));
  {
    MutexLock lock(binding_mutex_);
    bound_ = next;
    if (found != nullptr) found_ = std::move(found);
    Rebind();
  }
  listeners_.Set({grafana_, reconciler_});
  if (ended != nullptr) grafana_->TakeOver(ended->Stop(LearningSource::Rules::kKept));
  SwitchReconciler();
  if (!SameBackfill(config_, next)) ExchangeBackfill(next);
  config_ = next;
  TellAll(std::move(begun));
  return absl::OkStatus();
}

void IngestSources::ExchangeBackfill(const IngestConfig& next) {
  backfill_.reset();
  auto started =
      ServiceBackfill::Start(next, lanes_.samples(), lanes_.correlator_store(), registry_, clock_);
  if (started.ok()) {
    backfill_ = *std::move(started);
  } else {
    LogError("nothing is backfilled", {{"error", MessageOf(started.status())}});
  }
}

void IngestSources::Stop() {
  backfill_.reset();
  reconciler_->Stop();
  if (grafana_ != nullptr) grafana_->Stop();
  sources_.Stop();
}

}  // namespace alertjoin
