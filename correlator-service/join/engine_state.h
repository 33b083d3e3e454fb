#pragma once

// What the engine keeps: series, queries, transitions, rows, and how they point at each other.
// Owned by Engine; every pointer here is to an object that lives until its owner removes it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "correlator-service/join/coverage.h"
#include "correlator-service/join/match_index.h"
#include "correlator-service/model/joined_row.h"
#include "correlator-service/tables/sample_series.h"

namespace alertjoin {

struct BoundTransition;
struct QueryState;
struct TransitionState;

// A row as the engine keeps it.
struct RowState {
  RowId id;
  BoundTransition* bound = nullptr;
  SeriesState* series = nullptr;  // Null in the states NO_SERIES and UNBOUND.
  Timestamp time;                 // Event time under which the row is indexed.
  // As readers know it; revision 0: they do not yet.
  uint64_t revision = 0;
  Match match;
  bool final = false;
  std::shared_ptr<const Transition> transition;
  std::shared_ptr<const Binding> binding;
  // The strongest reason of this batch to look at the row again; none when it is clean.
  std::optional<Cause> reason;
};

// Rows by event time.
using RowsByTime = absl::btree_set<std::pair<Timestamp, RowState*>>;

struct SeriesState {
  // What every sample touches, in one place.
  SampleSeries samples;
  // A sample after this time can revise none of the rows. It may lag behind when rows go.
  Timestamp newest_row_time = Timestamp::Min();
  bool has_first_after = false;  // Whether any of the rows ever asked for the next sample.

  RowsByTime rows;
  QueryState* query = nullptr;
  std::shared_ptr<const SeriesKey> key;
  // Other objects for the same series, each from a stream of its own, by which it is found at once.
  std::vector<std::shared_ptr<const SeriesKey>> aliases;
};

struct QueryState {
  Query query;
  std::map<LabelSet, std::unique_ptr<SeriesState>> series;
  MatchIndex index;
  Coverage coverage;
  RowsByTime provisional;  // Rows of this query that are not final.
};

// A transition and one query it is bound to (none when it is bound to nothing).
struct BoundTransition {
  TransitionState* transition = nullptr;
  std::shared_ptr<const Binding> binding;  // Null when UNBOUND.
  QueryState* query = nullptr;             // Null when UNBOUND.
  // The transition as it was indexed: the index points at its labels.
  std::shared_ptr<const Transition> indexed;
  // One per series; or else the UNBOUND or NO_SERIES row alone.
  std::vector<std::unique_ptr<RowState>> rows;

  bool has_placeholder() const { return rows.size() == 1 && rows[0]->series == nullptr; }
};

// One side of an episode.
struct TransitionState {
  Timestamp episode;  // Its key.
  std::shared_ptr<const Transition> transition;
  std::vector<std::unique_ptr<BoundTransition>> bound;  // One per query; one without when UNBOUND.
  // Of this batch: rows to look at again, and rows that are gone, as they last were.
  std::vector<RowState*> dirty;
  std::vector<JoinedRow> deleted;
  bool listed = false;  // Among those that this batch touched.
};

}  // namespace alertjoin
