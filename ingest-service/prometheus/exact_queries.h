#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/net/backoff.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/exact_task.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/query_caches.h"
#include "ingest-service/prometheus/query_metrics.h"
#include "ingest-service/prometheus/recently_settled.h"
#include "ingest-service/prometheus/refused_wishes.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/transition_listener.h"

namespace alertjoin {

struct ExactQueriesOptions {
  size_t pending_max = 100'000;     // (query, time) pairs waiting or under way.
  size_t in_flight_per_source = 8;  // Of them under way.
  size_t in_flight_per_query = 4;   // So that a slow query leaves room for others.
  // As long as an answer can still matter: what the correlator keeps of samples, by default.
  Millis give_up_after = std::chrono::hours(6);
  Millis ahead_max = std::chrono::hours(1);  // Transitions further in the future are ignored.
  size_t settled_remembered = 10'000;
  // Alerts that resolved at the time of an expression that waits, as long as it does.
  size_t resolved_max = 100'000;
};

// Asks every query that a transition is bound to for its value at the transition's very time, and
// at the pending start where it is known: at once, and again when the settle delay has passed,
// which gives the final word and claims progress. What was found goes to the sink as samples and
// stale markers like those of a poll. Retries with backoff; gives up in the end, with a Gap. A
// query that fails delays only itself: while it does, one try of it at a time is made. An answer
// that lacks what may come back is taken and asked for again. What there is no room for is refused,
// which a step soon after tells as one Gap of each query.
//
// OnTransitions and Ask may be called from any thread. Everything else, the constructor, AddSource
// and what is for afterwards apart, runs on the executor's thread. What is passed in must outlive
// it, and no client may call back once it is gone.
class ExactQueries final : public TransitionListener {
 public:
  struct Environment {
    QueryCaches& caches;
    SampleSink& sink;
    Executor& executor;
    const Clock& clock;
    QueryMetrics& metrics;
  };

  // A transition's interest in one query.
  struct Wish {
    Query query;
    Timestamp time;
    Millis window;
    std::optional<ResolvedAlert> resolved;
  };

  ExactQueries(Environment environment, ExactQueriesOptions options);
  ~ExactQueries() override;

  // REQUIRES: before the first transition. The options must outlive this.
  void AddSource(const MetricsSourceOptions& options, PrometheusClient& client);

  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);

  // The same for wishes.
  void Ask(std::vector<Wish> wishes) EXCLUDES_LOCK(mutex_);

  // Starts every query that is due. Gives when the next one will be; the end of a query may make
  // that earlier.
  Timestamp Step() EXCLUDES_LOCK(mutex_);

  // Waiting or under way. Thread-safe.
  size_t pending() const { return pending_; }

  // For afterwards, when nothing runs on the executor's thread any more: what was not answered, for
  // another to ask. Tells what was refused and not told.
  std::vector<Wish> Unanswered() EXCLUDES_LOCK(mutex_);
  // The same, when nobody will ask: tells a Gap of each.
  void GiveUpUnanswered(const std::string& why) EXCLUDES_LOCK(mutex_);

 private:
  struct Source;
  struct QueryState;
  struct Pending;
  struct Attempt;
  // Whether the wish may wait; it counts as pending then.
  bool Admit(const Wish& wish, Timestamp now) EXCLUDES_LOCK(mutex_);
  // Counts the wish as refused, and has the next step tell of it.
  void Refuse(const Wish& wish) EXCLUDES_LOCK(mutex_);
  // Not more often than every so many seconds: it is much that is refused, when anything is. Gives
  // when there will be something to tell.
  Timestamp TellRefused(Timestamp now) EXCLUDES_LOCK(mutex_);
  // Takes the wish up, unless it is being fulfilled or has been.
  void Accept(Wish wish, Timestamp now) EXCLUDES_LOCK(mutex_);
  bool IsSettled(const Wish& wish, const SeriesCache& cache) const;
  QueryState* StateOf(const Query& query, Timestamp now);
  void Enqueue(Pending& pending, Timestamp ready_at);
  void StartOrHold(Pending& pending, Timestamp now);
  void StartAttempt(Pending& pending, Timestamp now);
  void SendExact(const std::shared_ptr<Attempt>& attempt);
  PrometheusClient::Done Await(const std::shared_ptr<Attempt>& attempt, size_t index);
  void Finish(const std::shared_ptr<Attempt>& attempt);
  // True when starts of alerts are being looked up first.
  bool LookUpStarts(const std::shared_ptr<Attempt>& attempt);
  void AddResolved(Pending& pending, ResolvedAlert alert);
  // The first so many of them.
  void RemoveResolved(Pending& pending, size_t count);
  // What the answers as a whole are like.
  struct Taken {
    bool partial = false;
    bool may_heal = false;
  };
  absl::StatusOr<Taken> Take(Attempt& attempt, Timestamp now);
  void OnTaken(const Attempt& attempt, Taken taken, Timestamp now);
  void OnFailure(Pending& pending, const absl::Status& status, Timestamp now);
  // The source is well, and its answer of no use: asks once more, later and later. Gives up when
  // that has not helped in some twenty minutes.
  void AskAgainLater(Pending& pending, const std::string& why, Timestamp now);
  void GiveUp(Pending& pending, const std::string& why, Timestamp now);
  // The Gap of a query that is given up, which is counted.
  Gap GapOf(const Query& query, Timestamp time, const std::string& why);
  void TellGaps(std::span<const Event> gaps);
  void Remove(Pending& pending, Timestamp now);
  static Timestamp SettlesAt(const Pending& pending);
  // How many may be under way.
  size_t LimitOf(const QueryState& state) const;
  // Lets those go on for which the query has room.
  void ReleaseParked(QueryState& state, Timestamp now);

  const Environment environment_;
  const ExactQueriesOptions options_;
  std::map<std::string, std::unique_ptr<Source>> sources_;  // Constant once transitions come.

  std::atomic<size_t> pending_{0};
  Mutex mutex_;
  std::vector<Wish> inbox_ GUARDED_BY(mutex_);
  RefusedWishes refused_ GUARDED_BY(mutex_);
  Timestamp tell_refused_at_ GUARDED_BY(mutex_) =
      Timestamp::Min();  // The next time, at the soonest.

  // The executor's thread only.
  std::map<Query, std::unique_ptr<QueryState>> states_;
  RecentlySettled settled_;
  LogLimiter log_limiter_;
  uint64_t next_serial_ = 0;
  size_t resolved_ = 0;  // Of all tasks together.
};

}  // namespace alertjoin
