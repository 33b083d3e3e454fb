#include "ingest-service/reconcile/told_runs.h"

#include <utility>

namespace alertjoin {

void ToldRuns::Begin(const FiringRuns::Patience& patience, Timestamp now) {
  told_.clear();
  runs_.OnBegin(finder_, patience, now);
}

FiringRuns::RunId ToldRuns::Tell(const FiringChange& change,
                                 const std::optional<std::string>& fingerprint, Millis offset,
                                 bool decided, Timestamp now) {
  if (change.kind == FiringChange::Kind::kStarted) {
    if (!fingerprint) return 0;
    FiringRuns::Start start{change.starts_at, change.firing_at + offset, decided};
    if (start.at) *start.at = *start.at + offset;
    Told& told = told_[change.labels];
    told.fingerprint = *fingerprint;
    told.open = runs_.OnStarted(finder_, *fingerprint, start, now);
    if (!start.at && !decided) told.startless = told.open;
    return told.open;
  }
  const auto known = told_.find(change.labels);
  if (known == told_.end()) return 0;
  Told& told = known->second;
  const FiringRuns::RunId run = std::exchange(told.open, 0);
  runs_.OnEnded(told.fingerprint, run, change.ends_at + offset, now);
  if (!change.starts_at) {
    told.startless = run;
  } else if (told.startless == 0) {
    told_.erase(known);
  }
  return run;
}

FiringRuns::RunId ToldRuns::TellStart(const LabelSet& labels, std::optional<Timestamp> starts_at) {
  const auto known = told_.find(labels);
  if (known == told_.end()) return 0;
  Told& told = known->second;
  const FiringRuns::RunId run = std::exchange(told.startless, 0);
  if (run != 0) runs_.OnStartKnown(told.fingerprint, run, starts_at);
  if (told.open == 0) told_.erase(known);
  return run;
}

void ToldRuns::TellRead(const FiringHistory& history, Millis offset, Timestamp now) {
  history.ForEachFiring([&](const LabelSet& labels, Timestamp last_evaluation) {
    const auto known = told_.find(labels);
    if (known == told_.end() || known->second.open == 0) return;
    runs_.OnFiring(known->second.fingerprint, known->second.open, last_evaluation + offset);
  });
  runs_.OnRead(finder_, now);
}

}  // namespace alertjoin
