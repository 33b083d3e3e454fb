#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/poll_plan.h"
#include "ingest-service/prometheus/poll_progress.h"
#include "ingest-service/prometheus/poll_schedule.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/query_caches.h"
#include "ingest-service/prometheus/query_metrics.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/source_backoff.h"

namespace alertjoin {

// Polls every configured query of every metrics source at a fixed rate and hands what is new to the
// sink: samples, stale markers, progress, gaps; one append per poll. A poll whose append is refused
// counts as failed and brings the same again. Sources do not wait for each other. A source whose
// clock is behind ours is asked for what there is by its own.
//
// Everything, the constructor apart, runs on the executor's thread. What is passed in must outlive
// it, and no client may call back once it is gone.
class Poller {
 public:
  struct Environment {
    QueryCaches& caches;
    SampleSink& sink;
    Executor& executor;
    const Clock& clock;
    QueryMetrics& metrics;
  };

  explicit Poller(Environment environment) : environment_(environment) {}

  // Polls the source's queries from now on. RESOURCE_EXHAUSTED when they are more than the caches
  // hold. The options must outlive the poller.
  absl::Status AddSource(const MetricsSourceOptions& options, PrometheusClient& client);

  // Polls these learnt queries of the source, which must have been added, and no other learnt ones
  // from now on. A poll under way is not broken off. Queries that the caches do not hold are not
  // polled, which is logged.
  void SetLearnt(const std::string& source, const std::vector<std::string>& expressions);

  // Starts every poll that is due. Gives when the next one will be; the end of a poll may make that
  // earlier.
  Timestamp Step();

 private:
  struct Source {
    Source(const MetricsSourceOptions& source_options, PrometheusClient& source_client,
           const Clock& clock);

    const MetricsSourceOptions& options;
    PrometheusClient& client;
    SourceBackoff backoff;
    Millis behind{0};  // Its clock, behind ours, at least.
    LogLimiter log_limiter;
  };
  struct PolledQuery {
    Source& source;
    std::shared_ptr<SeriesCache> cache;
    PollTerms terms;
    PollSchedule schedule;
    PollProgress progress;
    bool learnt = false;
  };
  // A poll under way.
  struct Round {
    PolledQuery& query;
    Timestamp started;
    Clock::Steady started_steady;
    SelectorPoll selector;  // Of a plain selector.
    GridPoll grid;          // Of any other expression.
    std::vector<absl::StatusOr<QueryResult>> answers;
    Timestamp asked_at = Timestamp::Max();  // By the source's clock, at most.
    size_t awaited = 0;
    std::shared_ptr<PolledQuery> holder;  // A learnt one may be polled no more meanwhile.
  };

  // Null when there is no room in the caches.
  std::shared_ptr<PolledQuery> Polled(Source& source, const QueryOptions& options, Timestamp now);
  void StartPoll(const std::shared_ptr<PolledQuery>& polled, Timestamp now);
  // The callback for the answer with this index.
  PrometheusClient::Done Await(const std::shared_ptr<Round>& round, size_t index);
  void Finish(Round& round);
  // What the answers as a whole are like.
  struct Taken {
    bool partial = false;
    bool may_heal = false;
  };
  // Hands the answers over.
  absl::StatusOr<Taken> Take(Round& round, Timestamp now);
  // The round asked for so much that the source, or this process, could not do it, and the next one
  // will ask for less.
  static bool AsksForLess(Round& round);
  void OnFailure(Round& round, const absl::Status& status, Timestamp now);

  const Environment environment_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::shared_ptr<PolledQuery>> queries_;
};

}  // namespace alertjoin
