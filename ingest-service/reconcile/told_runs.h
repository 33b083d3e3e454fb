#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/text/labels.h"
#include "ingest-service/reconcile/firing_history.h"
#include "ingest-service/reconcile/firing_runs.h"

namespace alertjoin {

// Tells FiringRuns what one metrics source sees of its alerts. A run is told to its end under the
// fingerprint with which it began, whatever Prometheus' configuration makes of the alert meanwhile.
// Not thread-safe. `runs` must outlive it.
class ToldRuns {
 public:
  ToldRuns(FiringRuns& runs, FiringRuns::Finder finder) : runs_(runs), finder_(finder) {}

  // The history begins anew.
  void Begin(const FiringRuns::Patience& patience, Timestamp now);

  // A start or an end, and the run that it is of. `fingerprint`: as the alert is sent; nothing when
  // it is not. `decided`: by an earlier process. `offset`: of Prometheus' times in what it sends.
  FiringRuns::RunId Tell(const FiringChange& change, const std::optional<std::string>& fingerprint,
                         Millis offset, bool decided, Timestamp now);
  // The start of the alert's run that was told without it; nothing: it cannot be known.
  FiringRuns::RunId TellStart(const LabelSet& labels, std::optional<Timestamp> starts_at);
  // The history has been read as far as it is there.
  void TellRead(const FiringHistory& history, Millis offset, Timestamp now);

 private:
  struct Told {
    std::string fingerprint;
    FiringRuns::RunId open = 0;       // Fires.
    FiringRuns::RunId startless = 0;  // Its start is looked up.
  };

  FiringRuns& runs_;
  const FiringRuns::Finder finder_;
  std::map<LabelSet, Told> told_;  // By the labels that the rule makes.
};

}  // namespace alertjoin
