#pragma once

#include <optional>
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

// A Prometheus whose alerts follow scripts. They have a place for each second.
class ScriptedAlerts {
 public:
  static constexpr int64_t kIntervalMs = 1'000;
  static constexpr int64_t kOffsetMs = 972;  // Evaluations are at 972 ms of each second.
  static Timestamp Evaluation(int64_t k) {
    return Timestamp::FromMillis(k * kIntervalMs + kOffsetMs);
  }

  std::vector<AlertScript> scripts;
  std::string config = "global: {external_labels: {cluster: east}}";
  // The interval of the group of all rules.
  Millis interval{kIntervalMs};
  Millis lookback = std::chrono::minutes(5);

  // The script of an alert whose rule is evaluated each `seconds`: a state for each of those times.
  static std::string Each(size_t seconds, const std::string& states);

  // The answer to kHistoryExpression on a grid, asked at `now`.
  QueryResult History(const EvaluationGrid& grid, Timestamp now) const;
  // The body of the answer to anything that reconciliation asks.
  std::string Answer(const SentQuery& sent, Timestamp now) const;

 private:
  // The newest evaluation at or before `time` that has been made by `now` and is younger than
  // `age`; -1 when there is none.
  static int64_t NewestAt(const AlertScript& script, Timestamp time, Timestamp now, Millis age);
  std::string ActiveAlerts(Timestamp now) const;
  std::string ActiveSince(const SentQuery& sent, Timestamp now) const;
};

// A time that an alert fired, in evaluations; nothing: before the history began.
struct ScriptedEpisode {
  std::optional<int64_t> active;
  std::optional<int64_t> start;
  int64_t end = 0;
  bool end_is_rough = false;
};

// What can be known of a script: while a sample is younger than the lookback, the next evaluation
// that finds it otherwise is seen; after that nothing is until the next one that finds it pending
// or firing. Which ends what was before if it comes more than `remembered` evaluations later.
// REQUIRES: the script ends with more than so many that find it inactive, the history begins just
// after its first evaluation, and its grid is of a quarter of a second.
std::vector<ScriptedEpisode> EpisodesOf(const std::string& states, Millis lookback,
                                        int64_t remembered);

}  // namespace alertjoin
