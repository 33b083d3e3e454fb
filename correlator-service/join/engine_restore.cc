#include "correlator-service/join/engine_restore.h"

#include <fmt/format.h>

#include "common/status/status.h"

namespace alertjoin {

void EngineRestore::AddReport(const AlertReport& report) {
  CHECK(!report.gone());
  const bool same =
      current_ && current_->source == report.source && current_->fingerprint == report.fingerprint;
  if (!same) {
    EndAlert();
    CHECK(!engine_.alerts_.contains(Engine::AlertId(report.source, report.fingerprint)));
    Engine::KnownAlert& alert = engine_.AlertOf(Engine::AlertId(report.source, report.fingerprint));
    current_ = {report.source, report.fingerprint, &alert};
  }
  current_->alert->history.RestoreReport(
      report, [this](const std::shared_ptr<const Binding>& binding) {
        return engine_.bindings_.Resolve(Shared<Binding>(binding), engine_.directory_);
      });
}

void EngineRestore::EndAlert() {
  if (!current_) return;
  const AlertHistory::Changes changes = current_->alert->history.Regroup();
  engine_.NoteAlerts(*current_->alert, changes);
  engine_.Reconcile(*current_->alert, changes);
  current_.reset();
}

TransitionState* EngineRestore::FindTransition(const Transition& transition) const {
  const auto alert =
      engine_.alerts_.find(Engine::AlertId(transition.source, transition.fingerprint));
  if (alert == engine_.alerts_.end()) return nullptr;
  // An episode's key is the greatest start in it: the first one from its earliest start on.
  EpisodeTransitions* const found =
      alert->alert->history.FirstTransitionsFrom(transition.starts_at);
  return found == nullptr ? nullptr : found->of(transition.state).get();
}

RowState* EngineRestore::FindRow(TransitionState& transition, const RowId& id) {
  for (BoundTransition& bound : transition.bound) {
    for (RowState& row : bound.rows) {
      RowTable::MakeId(row);
      if (row.id == id) return &row;
    }
  }
  return nullptr;
}

absl::Status EngineRestore::AddRow(JoinedRow& row) {
  TransitionState* const transition = FindTransition(*row.transition);
  RowState* found = transition == nullptr ? nullptr : FindRow(*transition, row.id);
  if (found == nullptr && transition != nullptr && row.match.series != nullptr) {
    // A series none of whose samples was kept, for want of room.
    engine_.AddSeries(row.match.series, /*limited=*/false);
    found = FindRow(*transition, row.id);
  }
  if (found == nullptr) {
    return absl::DataLossError(
        fmt::format("row {} of alert {} of source {}: nothing is known of what it is about",
                    ToHex(row.id), row.transition->fingerprint, row.transition->source));
  }
  engine_.rows_.Restore(*found, row);
  return absl::OkStatus();
}

}  // namespace alertjoin
