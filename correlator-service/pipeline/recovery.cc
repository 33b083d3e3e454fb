#include "correlator-service/pipeline/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/log/log.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/join/engine_restore.h"
#include "correlator-service/pipeline/apply_round.h"

namespace alertjoin {
namespace {

absl::Status CheckLogId(const RecoveryParts& parts) {
  const std::string known = parts.database.log_id();
  if (known.empty()) return parts.database.SetLogId(parts.log_id);
  if (known == parts.log_id) return absl::OkStatus();
  return MakeError(
      "LOG_FOREIGN",
      fmt::format(
          "the rows were made from the event log {}, this one is {}: put the folders `log` and "
          "`rows` back that belong together, or move both away to start anew",
          known, parts.log_id));
}

absl::Status Rewound(KnownReason reason, const std::string& what) {
  return MakeError(reason, what +
                               ": put sound copies of the folders `log` and `rows` back, made at "
                               "the same time, or move both away to start anew");
}

// The last record that the rows have seen.
absl::StatusOr<LogPosition> AppliedOf(const RecoveryParts& parts) {
  const EventLog::Bounds bounds = parts.log.bounds();
  const LogPosition applied = parts.database.applied();
  if (applied >= bounds.next) {
    return Rewound("LOG_REWOUND",
                   fmt::format("the event log ends before record {}, the rows have seen {}",
                               bounds.next.value(), applied.value()));
  }
  if (applied.Next() >= bounds.first) return applied;
  if (applied != LogPosition()) {
    return Rewound("ROWS_REWOUND",
                   fmt::format("the event log begins at record {}, the rows have seen {} only",
                               bounds.first.value(), applied.value()));
  }
  LogWarn(
      "the row store is new, the event log is not: rows of alerts from before its begin are "
      "gone",
      {{"first_record", std::to_string(bounds.first.value())}});
  return LogPosition(bounds.first.value() - 1);
}

// Gives the engine what a round says of series and progress; the alerts come from the rows.
void ApplyTables(Engine& engine, Round round) {
  engine.Carry(round.carried);
  std::erase_if(round.events, [](const Event& event) { return TransitionOf(event) != nullptr; });
  if (round.horizons) {
    (void)engine.Expire(round.horizons->samples, round.horizons->rows, round.time);
  }
  const auto changes = engine.Apply(std::move(round.events), round.time);
  CHECK(changes.empty());  // There is no alert yet.
}

absl::Status RestoreAlerts(const RecoveryParts& parts, std::vector<Alert> alerts) {
  std::unordered_map<RowId, Sequence, RowIdHash> sequences;
  RETURN_IF_ERROR(parts.database.ForEachAlert(
      [&sequences](RowId id, Sequence sequence) { sequences.emplace(id, sequence); }));
  for (Alert& alert : alerts) {
    // Without one when the last change is from before alerts had sequences.
    const auto known = sequences.find(alert.id);
    if (known != sequences.end()) alert.sequence = known->second;
    parts.store.Load(std::move(alert));
  }
  return absl::OkStatus();
}

absl::Status RestoreRows(const RecoveryParts& parts) {
  EngineRestore restore(parts.engine);
  RETURN_IF_ERROR(parts.database.ForEachReport(
      [&restore](const AlertReport& report) { restore.AddReport(report); }));
  RETURN_IF_ERROR(RestoreAlerts(parts, restore.EndReports()));
  absl::Status status;
  const auto add = [&](JoinedRow row) {
    if (!status.ok()) return;
    status = restore.AddRow(row);
    if (status.ok()) parts.store.Load(std::move(row));
  };
  RETURN_IF_ERROR(parts.database.ForEachRow(add));
  RETURN_IF_ERROR(parts.database.ForEachSource(
      [&parts](SourceStatus source) { parts.store.LoadSource(std::move(source)); }));
  if (status.ok()) return status;
  return MakeError("ROWS_DAMAGED", fmt::format("row store: {}", MessageOf(status)));
}

}  // namespace

absl::Status Recover(const RecoveryParts& parts, const RecoveryProgress& on_progress) {
  RETURN_IF_ERROR(CheckLogId(parts));
  ASSIGN_OR_RETURN(const LogPosition applied, AppliedOf(parts));
  const LogPosition end = parts.log.bounds().next;
  bool restored = false;
  const auto visit = [&](LogPosition at, Round&& round) {
    absl::Status status;
    if (at <= applied) {
      ApplyTables(parts.engine, std::move(round));
    } else {
      if (!std::exchange(restored, true)) status = RestoreRows(parts);
      if (!status.ok()) return status;
      status = parts.store.Commit(ApplyRound(parts.engine, at, std::move(round))).status();
    }
    const bool go_on = !on_progress || on_progress(at, end);
    return status.ok() && !go_on ? absl::CancelledError("recovery was given up") : status;
  };
  RETURN_IF_ERROR(parts.log.Replay(visit));
  if (!restored) RETURN_IF_ERROR(RestoreRows(parts));
  parts.store.PublishProgress(std::make_shared<const ProgressBoard>(parts.engine.Progress()));
  return absl::OkStatus();
}

}  // namespace alertjoin
