#include "correlator-service/pipeline/apply_round.h"

#include <algorithm>
#include <iterator>

namespace alertjoin {

RowCommit ApplyRound(Engine& engine, LogPosition position, Round round) {
  RowCommit commit;
  commit.applied = position;
  for (const Event& event : round.events) {
    if (const auto* const gap = std::get_if<Gap>(&event)) commit.gaps.push_back(*gap);
    if (const auto* const payload = std::get_if<RawPayload>(&event)) {
      commit.raw_payloads.push_back(*payload);
    }
    if (const auto* const status = std::get_if<SourceStatus>(&event)) {
      commit.sources.push_back(*status);
    }
  }
  engine.Carry(round.carried);
  if (round.horizons) {
    commit.changes = engine.Expire(round.horizons->samples, round.horizons->rows, round.time);
    commit.reports = engine.ChangedReports();
    commit.alerts = engine.TakeAlerts();
    commit.row_horizon = engine.row_horizon();
  }
  if (round.events.empty()) return commit;
  // Horizons that come along with events are those of the round before: nothing expired.
  std::vector<JoinedRow> changes = engine.Apply(std::move(round.events), round.time);
  std::move(changes.begin(), changes.end(), std::back_inserter(commit.changes));
  std::vector<AlertReport> reports = engine.ChangedReports();
  std::move(reports.begin(), reports.end(), std::back_inserter(commit.reports));
  std::vector<Alert> alerts = engine.TakeAlerts();
  std::move(alerts.begin(), alerts.end(), std::back_inserter(commit.alerts));
  return commit;
}

bool ChangesProgress(const Round& round) {
  return !round.carried.empty() ||
         std::any_of(round.events.begin(), round.events.end(), [](const Event& event) {
           const auto* const gap = std::get_if<Gap>(&event);
           return std::holds_alternative<QueryProgress>(event) ||
                  (gap != nullptr && gap->voids_progress);
         });
}

}  // namespace alertjoin
