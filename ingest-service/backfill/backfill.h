#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/log.h"
#include "common/net/backoff.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/backfill/backfill_events.h"
#include "ingest-service/backfill/backfill_plan.h"
#include "ingest-service/backfill/backfill_report.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/sample_sink.h"

namespace alertjoin {

struct BackfillOptions {
  // How often a chunk is asked for, at most; then it has failed. A source that has failed so often
  // gets one try for each of the next chunks until it answers. None: for ever, so that whatever can
  // be mended (a source that is away, credentials, an address) is waited for. Whatever the number:
  // what the source refuses of a query is asked for once, and after three chunks of a query that
  // failed in a row the rest of it is given up.
  std::optional<int> attempts_max;
};

// Asks metrics sources for the past of queries, chunk by chunk, and hands what they say to the
// sink. One chunk of a source is under way at a time; sources do not wait for each other. A sink
// without room (RESOURCE_EXHAUSTED) is waited for. Whatever was handed over can be handed over
// again: it changes nothing.
//
// Reports and finished are for any thread. All else, the constructor and Add apart, runs on the
// executor's thread. What is passed in must outlive it, and no client may call back once it is
// gone.
class Backfill {
 public:
  struct Environment {
    SampleSink& sink;
    Executor& executor;
    const Clock& clock;
  };
  struct Job {
    BackfillTask task;
    PrometheusClient& client;
    Millis lookback{0};
    TimeRanges done;  // Is not asked for again.
    // Called with all that is done whenever there is more of it. Its error is logged: what was not
    // remembered is done again one day.
    std::function<absl::Status(const TimeRanges&)> remember;
    // Samples before this moment are counted as too old.
    std::optional<Timestamp> kept_from;
    double requests_per_second = 5;
  };

  Backfill(Environment environment, BackfillOptions options);
  ~Backfill();

  // REQUIRES: before the first Step; a task that BackfillPlan takes.
  void Add(Job job);

  // Starts what is due. Gives when the next is, at the latest; the end of a chunk may make that
  // earlier.
  Timestamp Step();

  // Nothing is left to do.
  bool finished() const EXCLUDES_LOCK(mutex_);
  // In the order of Add.
  std::vector<BackfillReport> Reports() const EXCLUDES_LOCK(mutex_);

 private:
  struct Run;     // A job under way.
  struct Source;  // Runs of one source, one after the other.
  struct Chunk;   // Of a run, with its answers.

  void StartChunk(Source& source, Timestamp now);
  PrometheusClient::Done Await(const std::shared_ptr<Chunk>& chunk, size_t index);
  void OnAnswers(Chunk& chunk);
  // Hands over what waits; true when nothing does any more.
  bool Append(Source& source, Timestamp now);
  void OnTaken(Source& source);
  void OnFailure(Source& source, TimeRange chunk, const absl::Status& status, Timestamp now);
  void FailChunk(Source& source, TimeRange chunk, const std::string& reason);
  void GiveUpRest(Run& run, const std::string& reason);
  void Update(Run& run, const std::function<void(BackfillReport&)>& change) EXCLUDES_LOCK(mutex_);

  const Environment environment_;
  const BackfillOptions options_;
  std::map<std::string, std::unique_ptr<Source>> sources_;

  mutable Mutex mutex_;
  std::vector<BackfillReport> reports_ GUARDED_BY(mutex_);

  LogLimiter log_limiter_;
};

}  // namespace alertjoin
