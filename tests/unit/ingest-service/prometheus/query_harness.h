#pragma once

#include <prometheus/registry.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/http_transport.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/query_caches.h"
#include "ingest-service/prometheus/query_metrics.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "tests/support/manual_clock.h"

namespace alertjoin {

// Runs tasks when told to.
class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { tasks_.push_back(std::move(task)); }
  void RunAll();

 private:
  std::deque<std::function<void()>> tasks_;
};

// A call that waits for its answer, taken apart.
struct SentQuery {
  std::string path;
  std::string query;
  std::map<std::string, std::string> parameters;
  HttpCall call;
  HttpTransport::Done done;
};

// Holds calls until the test answers them.
class ManualTransport final : public HttpTransport {
 public:
  void Start(HttpCall call, Done done) override;
  std::deque<SentQuery> waiting;
};

// Keeps what it takes; refuses when told to.
class RecordingSink final : public SampleSink {
 public:
  using Samples = std::map<Timestamp, double>;

  absl::Status Append(std::span<const Event> events) override;
  // Of equal times the later wins.
  std::map<LabelSet, Samples> SamplesOf(const std::string& query) const;
  // Every sample and marker, in order: {x="1"} 1000 5 / {x="1"} 2000 stale
  std::vector<std::string> SampleLines() const;
  // name 1000..2000
  std::vector<std::string> ProgressLines() const;
  std::vector<std::string> GapLines() const;
  // name: error
  std::vector<std::string> ErrorLines() const;
  void Clear() { events.clear(); }

  absl::Status status;
  std::vector<Event> events;
  size_t appends = 0;
};

// Everything around the pollers, in the test's hands.
class QueryHarness {
 public:
  explicit QueryHarness(Timestamp start, QueryCachesOptions caches_options = {});

  // The next call must be the query at the time; answers it.
  void Answer(const std::string& query, Timestamp time, const std::string& body, int code = 200);
  // Answers the oldest call, whatever it is.
  void AnswerNext(const std::string& body, int code = 200);
  void FailNext(absl::Status status);
  // `query @ ms` (and `..ms` for a range) of each call that waits.
  std::vector<std::string> Waiting() const;

  double Counter(const std::string& name, const std::map<std::string, std::string>& labels) const;

  ManualClock clock;
  // How far the clock is ahead of the source's, which says in its answers what it shows.
  std::optional<Millis> ahead_of_source;
  prometheus::Registry registry;
  QueryMetrics metrics{registry};
  ManualExecutor executor;
  ManualTransport transport;
  RecordingSink sink;
  QueryCaches caches;
};

// Bodies of answers. A point is (time in ms, value as text).
using Points = std::vector<std::pair<int64_t, std::string>>;
std::string VectorAnswer(const std::map<LabelSet, std::string>& values, int64_t time_ms);
std::string MatrixAnswer(const std::map<LabelSet, Points>& series, const std::string& warning = "");
std::string ErrorAnswer(const std::string& type);

}  // namespace alertjoin
