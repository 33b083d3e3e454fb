#pragma once

#include <map>
#include <string>
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

  // The engine's rows in full and with their ids, sorted.
  std::vector<std::string> RowsWithIds() const;

 private:
  // Applies the changes to the reader's table.
  std::string Fold(const std::vector<JoinedRow>& changes);
  std::string Compare();

  RowIds& ids_;
  Engine engine_{EngineLimits{}};
  NaiveJoin naive_;
  std::map<RowId, JoinedRow> folded_;
};

}  // namespace alertjoin
