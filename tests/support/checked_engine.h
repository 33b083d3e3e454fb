#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "correlator-service/join/engine.h"
#include "tests/support/naive_join.h"

namespace alertjoin {

// Which id each row got, over any number of engines and histories: one id for each identity, and
// another for each other.
class RowIds {
 public:
  // What is wrong with it, or "".
  std::string Note(const NaiveJoin::Identity& identity, const RowId& id);

 private:
  std::map<NaiveJoin::Identity, RowId> id_of_;
  std::map<RowId, NaiveJoin::Identity> identity_of_;
};

// An engine, beside it the naive join and the table that a reader of the engine's changes holds.
// After each step the three must have the same rows.
class CheckedEngine {
 public:
  // `ids` must outlive this.
  explicit CheckedEngine(RowIds& ids) : ids_(ids) {}

  // Both give what is wrong then, in words, or "".
  std::string Apply(const std::vector<Event>& batch);
  std::string Expire(Timestamp sample_horizon, Timestamp row_horizon);

  // Cuts off what the log need not keep any more, and carries over the rest.
  void TrimLog();
  // Goes on with a new engine, made from the log, the reports and the reader's table. Gives what is
  // wrong then, as above.
  std::string Restart();

  // The engine's rows in full and with their ids, sorted.
  std::vector<std::string> RowsWithIds() const;

 private:
  // One entry of what a correlator's log would hold, and the horizons that it was applied with.
  struct LogEntry {
    std::vector<Event> events;
    std::vector<Event> carried;
    Timestamp sample_horizon;
    Timestamp row_horizon;
  };
  using ReportKey = std::tuple<std::string, std::string, Timestamp>;

  void KeepReports();
  // Applies the changes to the reader's table.
  std::string Fold(const std::vector<JoinedRow>& changes);
  std::string Compare();
  // The same of alerts.
  std::string FoldAlerts();
  std::string CompareAlerts();

  RowIds& ids_;
  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>(EngineLimits{});
  NaiveJoin naive_;
  std::deque<LogEntry> log_;
  std::map<ReportKey, AlertReport> reports_;
  std::map<RowId, JoinedRow> folded_;
  std::map<RowId, Alert> alerts_;
};

}  // namespace alertjoin
