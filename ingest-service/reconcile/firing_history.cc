#include "ingest-service/reconcile/firing_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "ingest-service/reconcile/value_time.h"

namespace alertjoin {
namespace {

constexpr char kStateLabel[] = "alertstate";
constexpr char kNameLabel[] = "__name__";
constexpr int kExpiryResends = 4;  // prometheus/prometheus rules/alerting.go, ValidUntil.

struct States {
  const ResultSeries* pending = nullptr;
  const ResultSeries* firing = nullptr;
};

}  // namespace

absl::StatusOr<std::vector<FiringChange>> FiringHistory::Take(const QueryResult& answer,
                                                              const EvaluationGrid& grid) {
  if (answer.series.size() > kHistoryAlertsMax) {
    return absl::ResourceExhaustedError(fmt::format("{} alerts in one answer, the limit is {}",
                                                    answer.series.size(), kHistoryAlertsMax));
  }
  const bool first = !through_ || *through_ + grid.step != grid.start;
  if (first) alerts_.clear();
  std::map<LabelSet, States> told;
  for (const auto& [labels, alert] : alerts_) told[labels];
  for (const ResultSeries& series : answer.series) {
    const std::string_view state = series.labels.Get(kStateLabel);
    States& states = told[series.labels.Without(kStateLabel).Without(kNameLabel)];
    (state == "firing" ? states.firing : states.pending) = &series;
  }
  std::vector<FiringChange> changes;
  for (const auto& [labels, states] : told) {
    Follow(labels, states.pending, states.firing, grid, first, changes);
  }
  through_ = grid.end;
  return changes;
}

std::vector<FiringHistory::Run> FiringHistory::RunsOf(const std::optional<Run>& carried,
                                                      Points points, Millis expiry,
                                                      const EvaluationGrid& grid,
                                                      bool first) const {
  std::vector<Run> runs;
  if (carried) runs.push_back(*carried);
  if (points == nullptr) return runs;
  for (size_t i = 0; i < points->times.size(); ++i) {
    if (!IsValueTime(points->values[i])) continue;
    const Timestamp seen = points->times[i];
    const Timestamp evaluation = ValueTime(points->values[i]);
    Run* const last = runs.empty() ? nullptr : &runs.back();
    const bool follows = last != nullptr && last->last_seen + grid.step == seen;
    if (follows && evaluation - last->last_evaluation <= expiry) {
      last->last_seen = seen;
      last->last_evaluation = evaluation;
      continue;
    }
    if (follows) last->evaluations_stopped = true;
    Run run{evaluation, seen, seen, evaluation};
    if (first && seen == grid.start) run.start.reset();
    runs.push_back(run);
  }
  return runs;
}

FiringChange FiringHistory::EndOf(const LabelSet& labels, const Run& run,
                                  std::optional<Millis> interval, Millis step) const {
  FiringChange change;
  change.kind = FiringChange::Kind::kEnded;
  change.labels = labels;
  change.starts_at = run.start;
  change.firing_at = run.last_seen;
  const Timestamp absent = run.last_seen + step;
  // Its last sample has only become too old: no evaluation has said that it is over.
  const bool faded = absent - run.last_evaluation >= options_.lookback;
  if (run.evaluations_stopped || faded) {
    change.ends_at = run.last_evaluation + interval.value_or(step);
    change.end_is_rough = true;
    return change;
  }
  if (interval) {
    // Evaluations are on a grid of their own, though some may have been left out.
    const auto passed = (run.last_seen - run.last_evaluation) / *interval;
    change.ends_at = run.last_evaluation + *interval * (passed + 1);
  }
  if (!interval || change.ends_at > absent) {
    change.ends_at = absent;
    change.end_is_rough = true;
  }
  return change;
}

void FiringHistory::Follow(const LabelSet& labels, Points pending, Points firing,
                           const EvaluationGrid& grid, bool first,
                           std::vector<FiringChange>& changes) {
  const auto known = alerts_.find(labels);
  if (known == alerts_.end() && alerts_.size() >= kHistoryAlertsMax) {
    ++not_followed_;
    return;
  }
  const Alert before = known == alerts_.end() ? Alert() : known->second;
  const std::optional<Millis> interval = options_.interval_of(labels);
  const Millis expiry =
      kExpiryResends * std::max(options_.resend_delay, interval.value_or(options_.resend_delay));
  const std::vector<Run> waits = RunsOf(before.pending, pending, expiry, grid, first);
  const std::vector<Run> fires = RunsOf(before.firing, firing, expiry, grid, first);
  Alert after;
  for (size_t i = 0; i < fires.size(); ++i) {
    const Run& run = fires[i];
    if (i > 0 || !before.firing) {
      FiringChange change;
      change.labels = labels;
      change.starts_at = run.start;
      change.firing_at = run.first_seen;
      const auto wait = std::find_if(waits.begin(), waits.end(), [&](const Run& candidate) {
        return candidate.last_seen + grid.step == run.first_seen;
      });
      change.active_at = wait == waits.end() ? run.start : wait->start;
      changes.push_back(std::move(change));
    }
    if (run.last_seen == grid.end && !run.evaluations_stopped) {
      after.firing = run;
    } else {
      changes.push_back(EndOf(labels, run, interval, grid.step));
    }
  }
  if (!waits.empty() && waits.back().last_seen == grid.end) after.pending = waits.back();
  if (after.firing || after.pending) {
    alerts_[labels] = after;
  } else if (known != alerts_.end()) {
    alerts_.erase(known);
  }
}

void FiringHistory::SetStart(const LabelSet& labels, Timestamp starts_at) {
  const auto known = alerts_.find(labels);
  if (known == alerts_.end() || !known->second.firing || known->second.firing->start) return;
  known->second.firing->start = starts_at;
}

std::vector<FiringHistory::Unknown> FiringHistory::UnknownStarts() const {
  std::vector<Unknown> unknown;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.firing && !alert.firing->start) unknown.push_back({labels, alert.firing->last_seen});
  }
  return unknown;
}

}  // namespace alertjoin
