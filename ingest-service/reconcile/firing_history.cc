#include "ingest-service/reconcile/firing_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ingest-service/reconcile/value_time.h"

namespace alertjoin {
namespace {

constexpr char kStateLabel[] = "alertstate";
constexpr char kNameLabel[] = "__name__";
constexpr int kExpiryResends = 4;  // prometheus/prometheus rules/alerting.go, ValidUntil.

}  // namespace

absl::StatusOr<std::vector<FiringChange>> FiringHistory::Take(const QueryResult& answer,
                                                              const EvaluationGrid& grid) {
  if (answer.series.size() > kHistoryAlertsMax) {
    return absl::ResourceExhaustedError(fmt::format("{} alerts in one answer, the limit is {}",
                                                    answer.series.size(), kHistoryAlertsMax));
  }
  const bool first = !through_ || *through_ + grid.step != grid.start;
  if (first) {
    alerts_.clear();
    began_ = grid.start;
  }
  std::map<LabelSet, States> told;
  for (const auto& [labels, run] : alerts_) told[labels];
  for (const ResultSeries& series : answer.series) {
    const std::string_view state = series.labels.Get(kStateLabel);
    States& states = told[series.labels.Without(kStateLabel).Without(kNameLabel)];
    (state == "firing" ? states.firing : states.pending) = &series;
  }
  std::vector<FiringChange> changes;
  for (const auto& [labels, states] : told) {
    Follow(labels, states, grid, changes);
  }
  through_ = grid.end;
  return changes;
}

Millis FiringHistory::RememberedFor(Millis interval) const {
  return kExpiryResends * std::max(options_.resend_delay, interval);
}

std::vector<FiringHistory::Point> FiringHistory::PointsOf(const States& states) {
  std::vector<Point> points;
  const auto add = [&points](const ResultSeries* series, State state) {
    for (size_t i = 0; series != nullptr && i < series->times.size(); ++i) {
      if (!IsValueTime(series->values[i])) continue;
      points.push_back({series->times[i], ValueTime(series->values[i]), state});
    }
  };
  add(states.pending, State::kPending);
  const auto pending = static_cast<std::ptrdiff_t>(points.size());
  add(states.firing, State::kFiring);
  std::inplace_merge(points.begin(), points.begin() + pending, points.end(),
                     [](const Point& a, const Point& b) {
                       return std::pair(a.seen, a.evaluation) < std::pair(b.seen, b.evaluation);
                     });
  // Of those seen at one time, the last.
  const auto kept = std::unique(points.rbegin(), points.rend(),
                                [](const auto& a, const auto& b) { return a.seen == b.seen; });
  points.erase(points.begin(), kept.base());
  return points;
}

bool FiringHistory::FadesAfter(const Run& run, Millis step) const {
  return run.last_seen + step - run.last_evaluation >= options_.lookback;
}

FiringChange FiringHistory::EndOf(const LabelSet& labels, const Run& run, const Point* next,
                                  const Pace& pace) const {
  FiringChange change;
  change.kind = FiringChange::Kind::kEnded;
  change.labels = labels;
  change.starts_at = run.start;
  change.firing_at = run.last_seen;
  const Timestamp absent = run.last_seen + pace.step;
  const Timestamp forgotten = run.last_evaluation + pace.remembered + Millis(1);
  const bool stopped = next == nullptr ? run.faded : next->evaluation >= forgotten;
  if (stopped || run.faded) {
    change.ends_at = run.last_evaluation + pace.interval.value_or(pace.step);
    if (!stopped) change.ends_at = std::min(change.ends_at, next->evaluation);
    change.end_is_rough = true;
    change.known_at = stopped ? std::max(absent, forgotten) : next->seen;
    return change;
  }
  if (pace.interval) {
    // Evaluations are on a grid of their own, though some may have been left out.
    const auto passed = (run.last_seen - run.last_evaluation) / *pace.interval;
    change.ends_at = run.last_evaluation + *pace.interval * (passed + 1);
  }
  if (!pace.interval || change.ends_at > absent) {
    change.ends_at = absent;
    change.end_is_rough = true;
  }
  change.known_at = absent;
  return change;
}

void FiringHistory::TakePoint(const LabelSet& labels, const Point& point, const Pace& pace,
                              std::optional<Run>& run, std::vector<FiringChange>& changes) const {
  std::optional<Timestamp> active_at = point.evaluation;
  if (run) {
    const bool adjoins = run->last_seen + pace.step == point.seen;
    if (!adjoins) run->faded = run->faded || FadesAfter(*run, pace.step);
    const bool goes_on =
        (adjoins || run->faded) && point.evaluation - run->last_evaluation <= pace.remembered;
    if (goes_on && run->state == point.state) {
      run->last_seen = point.seen;
      run->last_evaluation = point.evaluation;
      run->faded = false;
      return;
    }
    if (run->state == State::kFiring) {
      changes.push_back(EndOf(labels, *run, adjoins || run->faded ? &point : nullptr, pace));
    } else if (adjoins || goes_on) {
      active_at = run->start;
    }
  }
  Run begun{point.state, point.evaluation, point.seen, point.evaluation};
  // An evaluation that it may go on from, and that was too old already when the history began.
  const bool unseen = point.evaluation - pace.remembered + options_.lookback <= began_;
  if (!run && (point.seen == began_ || unseen)) {
    begun.start.reset();
    active_at.reset();
  }
  run = begun;
  if (point.state == State::kPending) return;
  FiringChange& change = changes.emplace_back();
  change.labels = labels;
  change.starts_at = begun.start;
  change.active_at = active_at;
  change.firing_at = change.known_at = point.seen;
}

void FiringHistory::Follow(const LabelSet& labels, const States& states, const EvaluationGrid& grid,
                           std::vector<FiringChange>& changes) {
  const auto known = alerts_.find(labels);
  if (known == alerts_.end() && alerts_.size() >= kHistoryAlertsMax) {
    ++not_followed_;
    return;
  }
  std::optional<Run> run;
  if (known != alerts_.end()) run = known->second;
  const std::optional<Millis> interval = options_.interval_of(labels);
  const Pace pace{interval, RememberedFor(interval.value_or(options_.resend_delay)), grid.step};
  for (const Point& point : PointsOf(states)) TakePoint(labels, point, pace, run, changes);
  if (run && run->last_seen != grid.end) {
    run->faded = run->faded || FadesAfter(*run, grid.step);
    if (!run->faded || grid.end - run->last_evaluation > pace.remembered) {
      if (run->state == State::kFiring) changes.push_back(EndOf(labels, *run, nullptr, pace));
      run.reset();
    }
  }
  if (run) {
    alerts_.insert_or_assign(labels, *run);
  } else if (known != alerts_.end()) {
    alerts_.erase(known);
  }
}

void FiringHistory::SetStart(const LabelSet& labels, Timestamp starts_at) {
  const auto known = alerts_.find(labels);
  if (known == alerts_.end()) return;
  Run& run = known->second;
  if (run.state == State::kFiring && !run.start) run.start = starts_at;
}

void FiringHistory::ForEachFiring(
    const std::function<void(const LabelSet&, Timestamp last_evaluation)>& visit) const {
  for (const auto& [labels, run] : alerts_) {
    if (run.state == State::kFiring) visit(labels, run.last_evaluation);
  }
}

std::vector<FiringHistory::Unknown> FiringHistory::UnknownStarts() const {
  std::vector<Unknown> unknown;
  for (const auto& [labels, run] : alerts_) {
    if (run.state == State::kFiring && !run.start) unknown.push_back({labels, run.last_seen});
  }
  return unknown;
}

}  // namespace alertjoin
