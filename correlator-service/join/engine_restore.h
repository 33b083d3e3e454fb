#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "correlator-service/join/engine.h"

namespace alertjoin {

// Makes an engine go on where an earlier one stopped, from what that one's readers kept: first the
// alerts' reports (Engine::ChangedReports), then the rows. Samples, progress and horizons come
// before both, by Apply, Carry and Expire. Not thread-safe; the engine must outlive it.
class EngineRestore {
 public:
  // REQUIRES: the engine has no alerts.
  explicit EngineRestore(Engine& engine) : engine_(engine) {}

  // Adds what is known of one start of an alert. REQUIRES: the reports of an alert come one after
  // the other.
  void AddReport(const AlertReport& report);
  // After the last report, before the first row. Gives all alerts, by id, as readers know them but
  // for their sequences.
  std::vector<Alert> EndReports() {
    EndAlert();
    return engine_.TakeAlerts();
  }

  // Gives the row the state that readers know it in. Parts that the engine holds as well become
  // shared in `row`. DATA_LOSS when no report tells of its transition or binding.
  //
  // Rows that the reports ask for and that are not added are new to readers: the next Apply gives
  // them.
  absl::Status AddRow(JoinedRow& row);

 private:
  struct CurrentAlert {
    std::string source;
    std::string fingerprint;
    Engine::KnownAlert* alert = nullptr;
  };

  void EndAlert();
  TransitionState* FindTransition(const Transition& transition) const;
  static RowState* FindRow(TransitionState& transition, const RowId& id);

  Engine& engine_;
  std::optional<CurrentAlert> current_;
};

}  // namespace alertjoin
