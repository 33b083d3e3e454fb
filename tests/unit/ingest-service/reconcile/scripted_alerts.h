#pragma once

#include <string>
#include <vector>

#include "common/text/labels.h"
#include "ingest-service/prometheus/absences.h"
#include "ingest-service/prometheus/query_result.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {

// One alert, as a Prometheus found it at each evaluation from the 0th on: '.' inactive, 'p'
// pending, 'f' firing, ' ' when nothing was evaluated. Nothing is evaluated after the last.
struct AlertScript {
  LabelSet labels;
  std::string states;
};

// A Prometheus whose alerts follow scripts. Its rules are evaluated each second.
class ScriptedAlerts {
 public:
  static constexpr int64_t kIntervalMs = 1'000;
  static constexpr int64_t kOffsetMs = 972;  // Evaluations are at 972 ms of each second.
  static Timestamp Evaluation(int64_t k) {
    return Timestamp::FromMillis(k * kIntervalMs + kOffsetMs);
  }

  std::vector<AlertScript> scripts;
  std::string config = "global: {external_labels: {cluster: east}}";
  Millis lookback = std::chrono::minutes(5);

  // The answer to kHistoryExpression on a grid, asked at `now`.
  QueryResult History(const EvaluationGrid& grid, Timestamp now) const;
  // The body of the answer to anything that reconciliation asks.
  std::string Answer(const SentQuery& sent, Timestamp now) const;

 private:
  // The newest evaluation at or before `time` that has been made by `now`; -1 when there is none.
  int64_t NewestAt(const AlertScript& script, Timestamp time, Timestamp now) const;
  std::string ActiveAlerts(Timestamp now) const;
  std::string ActiveSince(const SentQuery& sent, Timestamp now) const;
};

}  // namespace alertjoin
