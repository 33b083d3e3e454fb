#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"
#include "ingest-service/prometheus/absences.h"
#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {

// Alerts in one answer, and alerts that are remembered as firing or pending.
constexpr size_t kHistoryAlertsMax = 20'000;

// What is asked on a grid: for each alert and state, the time of the newest evaluation that found
// it so, while Prometheus has not said that it is over.
constexpr char kHistoryExpression[] = "timestamp(ALERTS{alertstate=~\"pending|firing\"})";

// A beginning or an end of an alert's firing, as the ALERTS series tell it.
struct FiringChange {
  enum class Kind { kStarted, kEnded };
  Kind kind = Kind::kStarted;
  LabelSet labels;  // As the rule makes them: neither external labels nor relabelling.
  // The first evaluation that found it firing; nothing when the history began later. When kEnded,
  // of what ended.
  std::optional<Timestamp> starts_at;
  // When kEnded, the first evaluation that found it firing no more.
  Timestamp ends_at;
  // The interval of its rule is not known, or nothing was evaluated then: `ends_at` is as exact as
  // the grid is.
  bool end_is_rough = false;
  // When kStarted, the first evaluation that found its expression true, where that is known.
  std::optional<Timestamp> active_at;
  // A time at which it was firing: of a start, the first that was looked at, else the last.
  Timestamp firing_at;
};

// Follows the alerts of one Prometheus along the answers to kHistoryExpression. An alert fires
// without a break while each evaluation finds it so; where nothing was evaluated at all (Prometheus
// was away) it goes on firing if it does so again before its Alertmanager would have forgotten it.
// Not thread-safe.
class FiringHistory {
 public:
  struct Options {
    // The time between evaluations of the rule that makes an alert of these labels; nothing when
    // there is no such rule (any more).
    std::function<std::optional<Millis>(const LabelSet&)> interval_of;
    Millis lookback = std::chrono::minutes(5);      // --query.lookback-delta
    Millis resend_delay = std::chrono::minutes(1);  // --rules.alert.resend-delay
  };

  explicit FiringHistory(Options options) : options_(std::move(options)) {}

  // Takes the answer for the grid, whose first time is one step after the last one's end; any other
  // grid begins the history anew. The step must not be longer than any rule's interval, or what
  // lies between is missed. RESOURCE_EXHAUSTED, nothing changed, when the answer has more than
  // kHistoryAlertsMax series; beyond that many remembered alerts new ones are not followed.
  absl::StatusOr<std::vector<FiringChange>> Take(const QueryResult& answer,
                                                 const EvaluationGrid& grid);

  // Gives the start of what fires now, where it is not known yet.
  void SetStart(const LabelSet& labels, Timestamp starts_at);
  // What fires now with a start that is not known, with a time at which it did.
  struct Unknown {
    LabelSet labels;
    Timestamp firing_at;
  };
  std::vector<Unknown> UnknownStarts() const;

  // The end of the last grid.
  std::optional<Timestamp> through() const { return through_; }
  // Alerts that are pending or firing.
  size_t size() const { return alerts_.size(); }
  // Alerts that were not followed since there were too many, since the beginning.
  uint64_t not_followed() const { return not_followed_; }

 private:
  // Consecutive grid times at which an alert was in one state.
  struct Run {
    std::optional<Timestamp> start;  // The first evaluation.
    Timestamp first_seen;            // Grid times.
    Timestamp last_seen;
    Timestamp last_evaluation;
    bool evaluations_stopped = false;  // It ended since Prometheus was away.
  };
  struct Alert {
    std::optional<Run> pending;
    std::optional<Run> firing;
  };
  using Points = const ResultSeries*;

  // All runs that the points make, a carried one first; the last is open if it was seen at the end.
  std::vector<Run> RunsOf(const std::optional<Run>& carried, Points points, Millis expiry,
                          const EvaluationGrid& grid, bool first) const;
  void Follow(const LabelSet& labels, Points pending, Points firing, const EvaluationGrid& grid,
              bool first, std::vector<FiringChange>& changes);
  FiringChange EndOf(const LabelSet& labels, const Run& run, std::optional<Millis> interval,
                     Millis step) const;

  Options options_;
  std::map<LabelSet, Alert> alerts_;
  std::optional<Timestamp> through_;
  uint64_t not_followed_ = 0;
};

}  // namespace alertjoin
