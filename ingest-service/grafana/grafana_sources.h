#pragma once

#include <prometheus/registry.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/grafana/grafana_discovery.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/task_loop.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/rules/learning_source.h"

namespace alertjoin {

// The Prometheus data sources of all configured Grafanas, as metrics sources that come and go with
// them. Each has threads and connections of its own, so that none ever waits for another. As a
// listener it stands in front of `others`, the metrics sources that are configured by themselves,
// and hands on to them what is not bound to its own. One whose address has changed goes on with
// what was not answered at transitions; of one that is gone a Gap is told of each.
//
// Thread-safe. What is passed in must outlive it.
class GrafanaSources final : public TransitionListener {
 public:
  // Gets all its metrics sources whenever they have changed, on a thread of its own, once they are
  // ready to be asked.
  using OnChange = std::function<void(const std::vector<MetricsSourceOptions>&)>;
  // By the metrics source's name.
  using Sources = std::map<std::string, std::shared_ptr<LearningSource>>;

  GrafanaSources(std::vector<GrafanaOptions> options, TransitionListener& others, SampleSink& sink,
                 RuleCatalog& catalog, prometheus::Registry& registry, const Clock& clock,
                 OnChange on_change, std::string producer_id = "ingest");
  ~GrafanaSources() override;  // Stops.

  // Called once.
  void Start();
  // Waits until every Grafana has been asked once for its data sources, for better or worse. False
  // when the deadline has passed before.
  bool WaitUntilLooked(Clock::Steady deadline) EXCLUDES_LOCK(mutex_);
  // Returns within moments, with what has run. Idempotent.
  Sources Stop(LearningSource::Rules rules = LearningSource::Rules::kForgotten)
      EXCLUDES_LOCK(mutex_);
  // What the sources, which have stopped, were not answered at transitions is asked by those of
  // their names, or becomes a Gap.
  void TakeOver(const Sources& stopped) EXCLUDES_LOCK(mutex_);

  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);

 private:
  // After a start transitions are told again before any data source is known. Beyond, the oldest
  // go: their exact values are not asked for.
  static constexpr size_t kHeldMax = 10'000;

  struct Running {
    MetricsSourceOptions options;
    std::shared_ptr<LearningSource> source;
  };

  void OnDataSources(const GrafanaOptions& grafana, const std::vector<GrafanaDataSource>& found)
      EXCLUDES_LOCK(mutex_);
  // Null when it cannot be started.
  std::shared_ptr<LearningSource> StartSource(const MetricsSourceOptions& options);
  bool IsOwn(const std::string& source) const;
  // Keeps what is bound to a data source that is not there yet, or for a while.
  void Hold(std::span<const TransitionEvent> transitions) REQUIRES_LOCK(mutex_);
  // What was held for the source.
  std::vector<TransitionEvent> TakeHeld(const std::string& source) EXCLUDES_LOCK(mutex_);

  const std::vector<GrafanaOptions> options_;
  TransitionListener& others_;
  SampleSink& sink_;
  RuleCatalog& catalog_;
  prometheus::Registry& registry_;
  const Clock& clock_;
  const OnChange on_change_;
  const std::string producer_id_;  // Who reports how the sources fare.
  CurlHttpTransport transport_;
  TaskLoop loop_;
  std::vector<std::unique_ptr<HttpClient>> clients_;
  std::vector<std::unique_ptr<GrafanaDiscovery>> discoveries_;

  Mutex mutex_;
  CondVar changed_;
  bool looked_ GUARDED_BY(mutex_) = false;
  std::map<std::string, Running> running_ GUARDED_BY(mutex_);  // As Sources.
  std::deque<TransitionEvent> held_ GUARDED_BY(mutex_);        // At most kHeldMax.
};

}  // namespace alertjoin
