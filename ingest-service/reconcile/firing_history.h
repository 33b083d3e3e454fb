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
  // The interval of its rule is not known, or nothing is known of the evaluations then: `ends_at`
  // is the time of the one that was due next, or as exact as the grid is.
  bool end_is_rough = false;
  // When kStarted, the first evaluation that found its expression true, where that is known.
  std::optional<Timestamp> active_at;
  // A time at which it was firing: of a start, the first that was looked at, else the last.
  Timestamp firing_at;
  // The first time of the grid at which the answers told so much.
  Timestamp known_at;
};

// Follows the alerts of one Prometheus along the answers to kHistoryExpression. An alert fires
// without a break while each evaluation finds it so; where nothing is known of the evaluations it
// goes on firing if it does so again before its Alertmanager would have forgotten it. That is where
// Prometheus was away, and where its answers show a sample no longer since it is older than the
// lookback: so it is between any two evaluations that are further apart. Not thread-safe.
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

  // How long after an evaluation an alert goes on firing while nothing is known of later ones, when
  // its rule is evaluated at this interval.
  Millis RememberedFor(Millis interval) const;

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

  // What fires now, with the last evaluation that is known to have found it so.
  void ForEachFiring(
      const std::function<void(const LabelSet&, Timestamp last_evaluation)>& visit) const;

  // The end of the last grid.
  std::optional<Timestamp> through() const { return through_; }
  // Alerts that are pending or firing.
  size_t size() const { return alerts_.size(); }
  // Alerts that were not followed since there were too many, since the beginning.
  uint64_t not_followed() const { return not_followed_; }

 private:
  enum class State { kPending, kFiring };
  // What is seen of an alert at one time of the grid.
  struct Point {
    Timestamp seen;
    Timestamp evaluation;
    State state = State::kPending;
  };
  // Consecutive evaluations that found an alert in one state.
  struct Run {
    State state = State::kPending;
    std::optional<Timestamp> start;  // The first evaluation.
    Timestamp last_seen;             // A grid time.
    Timestamp last_evaluation;
    // It is seen no more, but only since its last sample has become too old: no evaluation is known
    // to have said that it is over.
    bool faded = false;
  };
  // How the evaluations of an alert's rule are spaced.
  struct Pace {
    std::optional<Millis> interval;
    Millis remembered;  // RememberedFor it.
    Millis step;        // Of the grid.
  };
  // One series of the answer for each state, or null.
  struct States {
    const ResultSeries* pending = nullptr;
    const ResultSeries* firing = nullptr;
  };

  // In order of time; where both are seen at once (Prometheus was away between them), the newer
  // evaluation.
  static std::vector<Point> PointsOf(const States& states);
  void Follow(const LabelSet& labels, const States& states, const EvaluationGrid& grid,
              std::vector<FiringChange>& changes);
  // Goes on with the run that is open, or ends it and begins another.
  void TakePoint(const LabelSet& labels, const Point& point, const Pace& pace,
                 std::optional<Run>& run, std::vector<FiringChange>& changes) const;
  // Whether what is seen no more one step after the run may only have become too old.
  bool FadesAfter(const Run& run, Millis step) const;
  // The end of a run of which nothing is seen any more; `next` is the point that follows it, if
  // any.
  FiringChange EndOf(const LabelSet& labels, const Run& run, const Point* next,
                     const Pace& pace) const;

  Options options_;
  std::map<LabelSet, Run> alerts_;
  Timestamp began_;  // The first time of all.
  std::optional<Timestamp> through_;
  uint64_t not_followed_ = 0;
};

}  // namespace alertjoin
