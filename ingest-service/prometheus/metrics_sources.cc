#include "ingest-service/prometheus/metrics_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/event/event_rules.h"
#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/generator_url.h"

namespace alertjoin {
namespace {

absl::Status CheckQueryOptions(const std::string& source, const QueryOptions& query) {
  RETURN_IF_ERROR(CheckQuery(QueryOf(source, query), "query"));
  if (query.interval <= Millis(0)) return absl::InvalidArgumentError("interval must be positive");
  if (query.window.has_value() && *query.window <= Millis(0)) {
    return absl::InvalidArgumentError("window must be positive");
  }
  if (query.step.has_value() && *query.step <= Millis(0)) {
    return absl::InvalidArgumentError("step must be positive");
  }
  return absl::OkStatus();
}

absl::Status CheckSource(const MetricsSourceOptions& source) {
  if (!AddressOf(source.url).has_value()) {
    // It may hold a password.
    const bool shown = source.url.find('@') == std::string::npos;
    return absl::InvalidArgumentError(fmt::format("url: \"{}\" is not an http or https URL",
                                                  shown ? Excerpt(source.url) : "..."));
  }
  if (source.timeout <= Millis(0)) return absl::InvalidArgumentError("timeout must be positive");
  if (source.lookback <= Millis(0)) return absl::InvalidArgumentError("lookback must be positive");
  if (source.settle_delay < Millis(0)) {
    return absl::InvalidArgumentError("settle_delay must not be negative");
  }
  std::set<std::string> names;
  for (const QueryOptions& query : source.queries) {
    if (!names.insert(query.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("query {}: the name is there twice", Excerpt(query.name)));
    }
    RETURN_IF_ERROR(Annotate(CheckQueryOptions(source.name, query),
                             fmt::format("query {}", Excerpt(query.name))));
  }
  return absl::OkStatus();
}

}  // namespace

MetricsSources::MetricsSources(MetricsSourcesOptions options, SampleSink& sink,
                               prometheus::Registry& registry, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      metrics_(registry),
      caches_(options_.caches),
      transport_(options_.transport),
      loop_("metrics-sources", clock),
      watches_(options_.producer_id, {sink, loop_, registry, clock}),
      poller_({caches_, sink, loop_, clock, metrics_}),
      exact_({caches_, sink, loop_, clock, metrics_}, options_.exact) {
  for (const MetricsSourceOptions& source : options_.sources) {
    HttpClient& http =
        *http_clients_.emplace_back(std::make_unique<HttpClient>(source.http, transport_, clock_));
    clients_.push_back(std::make_unique<PrometheusClient>(
        PrometheusClientOptions{
            source.name, source.url, source.timeout, {}, &watches_.Add(source.name)},
        http));
    exact_.AddSource(source, *clients_.back());
  }
}

MetricsSources::~MetricsSources() { Stop(); }

absl::Status MetricsSources::Check(const MetricsSourcesOptions& options) {
  std::set<std::string> names;
  for (const MetricsSourceOptions& source : options.sources) {
    const std::string where = fmt::format("metrics source {}", Excerpt(source.name));
    if (source.name.empty()) return absl::InvalidArgumentError("a metrics source has no name");
    if (!names.insert(source.name).second) {
      return absl::InvalidArgumentError(where + ": the name is there twice");
    }
    RETURN_IF_ERROR(Annotate(CheckSource(source), where));
  }
  return absl::OkStatus();
}

absl::Status MetricsSources::Start() {
  for (size_t i = 0; i < clients_.size(); ++i) {
    // Each request will say so, too, and go on once the file is there.
    if (const absl::Status files = CheckFiles(options_.sources[i].http); !files.ok()) {
      LogWarn("a file that a metrics source needs cannot be read",
              {{"source", options_.sources[i].name}, {"error", MessageOf(files)}});
    }
    RETURN_IF_ERROR(poller_.AddSource(options_.sources[i], *clients_[i]));
  }
  loop_.Start([this] { return std::min({poller_.Step(), exact_.Step(), watches_.Step()}); });
  return absl::OkStatus();
}

void MetricsSources::Stop() {
  // The loop first: what the transport then breaks off is posted to nobody.
  loop_.Stop();
  transport_.Stop();
}

void MetricsSources::OnTransitions(std::span<const TransitionEvent> transitions) {
  exact_.OnTransitions(transitions);
}

void MetricsSources::SetLearntQueries(const std::string& source,
                                      std::vector<std::string> expressions) {
  loop_.Post([this, source, expressions = std::move(expressions)] {
    poller_.SetLearnt(source, expressions);
  });
}

}  // namespace alertjoin
