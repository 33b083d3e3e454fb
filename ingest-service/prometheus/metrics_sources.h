#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/exact_queries.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/learnt_query_sink.h"
#include "ingest-service/prometheus/poller.h"
#include "ingest-service/prometheus/source_watches.h"
#include "ingest-service/prometheus/task_loop.h"

namespace alertjoin {

struct MetricsSourcesOptions {
  std::string producer_id = "ingest";  // Who reports how the sources fare.
  std::vector<MetricsSourceOptions> sources;
  CurlHttpTransportOptions transport;
  QueryCachesOptions caches;
  ExactQueriesOptions exact;
};

// All metrics sources of a process: polls them, and asks them at the event times of transitions.
// Two threads for everything: one makes the HTTP calls and decodes their answers, one runs the
// schedule, keeps what is known of the series, and appends to the sink.
//
// Thread-safe. What is passed in must outlive it. Nothing is polled before Start or after Stop.
class MetricsSources final : public TransitionListener, public LearntQuerySink {
 public:
  // REQUIRES: options that pass Check.
  MetricsSources(MetricsSourcesOptions options, SampleSink& sink, prometheus::Registry& registry,
                 const Clock& clock = SystemClock());
  ~MetricsSources() override;  // Stops.

  // INVALID_ARGUMENT when a source or query cannot work: a name twice, no URL, no interval.
  static absl::Status Check(const MetricsSourcesOptions& options);

  // Called once. RESOURCE_EXHAUSTED when there are more queries than the caches hold.
  absl::Status Start();
  // Breaks off what is under way; returns within moments. Idempotent.
  void Stop();

  // Those of before Start wait for it; after Stop nothing comes of them.
  void OnTransitions(std::span<const TransitionEvent> transitions) override;

  // Asks at transitions what `before`, which has stopped, was not answered.
  void TakeOver(MetricsSources& before) { exact_.Ask(before.exact_.Unanswered()); }
  // After Stop, when nobody takes over: tells a Gap of each that was not answered.
  void GiveUpUnanswered(const std::string& why) { exact_.GiveUpUnanswered(why); }

  void SetLearntQueries(const std::string& source, std::vector<std::string> expressions) override;

  // The client of the source with this position in the options, for other things to ask of it. It
  // lives as long as this, and answers nothing after Stop.
  PrometheusClient& client(size_t position) { return *clients_[position]; }

 private:
  const MetricsSourcesOptions options_;
  const Clock& clock_;
  QueryMetrics metrics_;
  QueryCaches caches_;
  CurlHttpTransport transport_;
  TaskLoop loop_;
  SourceWatches watches_;
  std::vector<std::unique_ptr<HttpClient>> http_clients_;
  std::vector<std::unique_ptr<PrometheusClient>> clients_;
  Poller poller_;
  ExactQueries exact_;
};

}  // namespace alertjoin
