#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "ingest-service/backfill/backfill.h"
#include "ingest-service/backfill/backfill_state.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/task_loop.h"

namespace alertjoin {

// Runs backfills on two threads of its own, one for the HTTP calls and one for all else, so that
// polls and backfills never wait for each other. Thread-safe but for Create, Start and Stop. The
// sink and the clock must outlive it.
class BackfillRunner {
 public:
  struct Task {
    MetricsSourceOptions source;
    BackfillTask task;
    double requests_per_second = 5;  // Of all tasks of the source.
  };
  struct Options {
    std::vector<Task> tasks;
    std::optional<int> attempts_max;  // BackfillOptions.
    std::string state_folder;
    std::string store_id;  // Of the correlator: BackfillState.
    // What was done before is done again.
    bool again = false;
    // Samples before this moment are counted as too old.
    std::optional<Timestamp> kept_from;
    // Called on the runner's thread after each step. May be empty.
    std::function<void()> after_step;
  };

  // UNAVAILABLE when the folder cannot be made.
  static absl::StatusOr<std::unique_ptr<BackfillRunner>> Create(Options options, SampleSink& sink,
                                                                const Clock& clock);
  ~BackfillRunner();  // Stops.

  // REQUIRES: called once.
  void Start();
  // Breaks off what is under way; returns within moments. Idempotent.
  void Stop();

  // Waits until nothing is left to do. False when the deadline has passed before.
  bool WaitFinished(std::chrono::steady_clock::time_point deadline) EXCLUDES_LOCK(mutex_);
  std::vector<BackfillReport> Reports() const { return backfill_.Reports(); }

 private:
  BackfillRunner(Options options, BackfillState state, SampleSink& sink, const Clock& clock);
  void Add(const Task& task);

  const Options options_;
  const BackfillState state_;
  const Clock& clock_;
  CurlHttpTransport transport_;
  TaskLoop loop_;
  std::vector<std::unique_ptr<HttpClient>> http_clients_;
  std::map<std::string, std::unique_ptr<PrometheusClient>> clients_;  // By source.
  Backfill backfill_;

  Mutex mutex_;
  CondVar changed_;
  bool finished_ GUARDED_BY(mutex_) = false;
};

}  // namespace alertjoin
