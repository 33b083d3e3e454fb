#pragma once

// The inner structs of ExactQueries; for its own .cc files.

#include <deque>

#include "ingest-service/prometheus/exact_queries.h"

namespace alertjoin {

struct ExactQueries::Source {
  const MetricsSourceOptions& options;
  PrometheusClient& client;
  size_t in_flight = 0;
  // What may start, or must wait: ordered by when, then by age.
  std::set<std::tuple<Timestamp, uint64_t, Pending*>> waiting;
};

struct ExactQueries::QueryState {
  Source& source;
  std::shared_ptr<SeriesCache> cache;
  Backoff backoff;
  Timestamp blocked_until = Timestamp::Min();  // After a failure.
  bool failing = false;                        // The last try did.
  size_t in_flight = 0;
  std::deque<Pending*> parked;                            // Until one that is in flight has ended.
  std::map<Timestamp, std::unique_ptr<Pending>> pending;  // By event time.
};

struct ExactQueries::Pending {
  QueryState& state;
  ExactTask task;
  uint64_t serial = 0;
  Timestamp give_up_at;
  int asked_again = 0;          // By AskAgainLater.
  bool alerts_refused = false;  // For want of room: their starts are not looked up.
  bool starts_lacking = false;  // Of alerts that were looked up, not all could be had.
};

// One try at a pending task, with what the task wanted when it began.
struct ExactQueries::Attempt {
  Attempt(Pending& of, Clock::Steady now)
      : pending(of), phase(of.task.phase), window(of.task.window), started(now) {}

  Pending& pending;
  ExactTask::Phase phase;
  Millis window;
  Clock::Steady started;
  Timestamp asked_at = Timestamp::Max();  // By the source's clock, at most.
  bool looked_up = false;
  size_t alerts_looked_up = 0;  // Of the task's resolved ones, from the first on.
  size_t awaited = 0;
  std::vector<absl::StatusOr<QueryResult>> answers;  // Exact ones, then those at starts.
  size_t exact_answers = 0;
};

}  // namespace alertjoin
