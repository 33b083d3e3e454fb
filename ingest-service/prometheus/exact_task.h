#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/sample_transaction.h"

namespace alertjoin {

// An alert that resolved at the task's time: it had a value when it started.
struct ResolvedAlert {
  LabelSet labels;
  Timestamp starts_at;
  Matching matching = Matching::kAgreement;
  std::vector<std::string> on;
};

// What is to be found out about one query at the event time of transitions.
struct ExactTask {
  enum class Phase {
    kAtOnce,   // Quickly, though samples of that time may still appear.
    kSettled,  // For good, once none can appear any more.
  };

  Timestamp time;
  Phase phase = Phase::kAtOnce;
  Millis window{0};  // How far back raw samples are wanted.
  // Whose starts may have to be looked up.
  std::vector<ResolvedAlert> resolved;
};

// At most so many starts of alerts are looked up in one try.
constexpr size_t kLookUpsPerTryMax = 8;

// How far back raw samples are wanted for a binding: to the oldest that counts, and a bit, so that
// the left edge does not matter (it is part of the range up to Prometheus 2.x only).
Millis WindowOf(const Binding& binding);

// Whether the series belongs to the alert, as the correlator tells it.
bool BelongsTo(const ResolvedAlert& alert, const LabelSet& series);

// The answers to a task of a plain selector. `presence` is the evaluation at the task's time; only
// asked for in the settled phase, null before.
struct SelectorAnswers {
  const QueryResult& samples;
  const QueryResult* presence;
};
void ApplyExactSelector(const ExactTask& task, Millis lookback, const SelectorAnswers& answers,
                        SampleTransaction& transaction);

// The answers to a task of any other expression: the evaluation at the task's time, and those at
// the starts of alerts. Nothing is claimed before the last of them: `all_starts`.
struct ExpressionAnswers {
  const QueryResult& at_time;
  const std::vector<QueryResult>& at_starts;
  bool all_starts;
};
void ApplyExactExpression(const ExactTask& task, const ExpressionAnswers& answers,
                          SampleTransaction& transaction);

// The starts of the task's resolved alerts of which no series is known, neither from `at_time` nor
// from before: whatever the expression gave then is gone now. Evaluating it at the start tells
// which series that was, so that its absence can be recorded.
struct StartLookUps {
  std::set<Timestamp> starts;  // At most kLookUpsPerTryMax.
  // For so many of the alerts, from the first on, this is all. At least one, if there are any; the
  // others are for the next time.
  size_t alerts = 0;
};
StartLookUps StartsToLookUp(const ExactTask& task, const QueryResult& at_time,
                            const SeriesCache& cache);

}  // namespace alertjoin
