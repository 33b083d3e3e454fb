#pragma once

// What the engine keeps: series, queries, transitions, rows, and how they point at each other.
// Owned by Engine; every pointer here is to an object that lives until its owner removes it.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "correlator-service/join/coverage.h"
#include "correlator-service/join/kept_match.h"
#include "correlator-service/join/match_index.h"
#include "correlator-service/join/optional_time.h"
#include "correlator-service/join/row_id.h"
#include "correlator-service/join/stable_list.h"
#include "correlator-service/model/joined_row.h"
#include "correlator-service/tables/sample_series.h"

namespace alertjoin {

struct BoundTransition;
struct QueryState;
struct TransitionState;

// A row as the engine keeps it.
struct RowState {
  RowId id;  // Made when it is first needed (RowTable).
  BoundTransition* bound = nullptr;
  SeriesState* series = nullptr;  // Null in the states NO_SERIES and UNBOUND.
  // The moments under which the row is indexed: event time, and pending start where it is known.
  Timestamp time;
  OptionalTime active_at;
  // As readers know it; revision 0: they do not yet.
  KeptMatch match;
  uint32_t revision = 0;
  bool final = false;
  // Whether they know it with another transition or binding than it has (but for what
  // TransitionState::touched leads to), and whether with another pending start.
  bool is_known_otherwise = false;
  bool has_other_start = false;
  bool is_provisional = false;  // Whether it is among the provisional rows of its query.
  bool has_id = false;
  // The strongest reason of this batch to look at the row again; none when it is clean.
  std::optional<Cause> reason;
};

// Rows by the moments that they are about.
using RowsByTime = absl::btree_set<std::pair<Timestamp, RowState*>>;

// The rows that are joined with a series.
struct SeriesRows {
  RowSubject subject;  // The series as part of a row's id.
  RowsByTime by_time;
  bool has_first_after = false;  // Whether any of them ever asked for the next sample.
};

struct SeriesState {
  // What every sample touches, in one place.
  SampleSeries samples;
  // A sample after this time can revise none of the rows. It may lag behind when rows go; Max when
  // one of them ever asked for the next sample.
  Timestamp newest_row_time = Timestamp::Min();

  std::unique_ptr<SeriesRows> rows;  // Null when there never was one.
  QueryState* query = nullptr;
  std::shared_ptr<const SeriesKey> key;
  uint32_t ordinal = 0;  // Among the series of its query, as they became known.
};

// What the source said last of refusing a query: the latest counts, and at the same time the
// greatest text, so that the order in which they come does not.
struct QueryFault {
  std::optional<Timestamp> time;
  std::shared_ptr<const std::string> text;  // Null: it is answered.

  // True when the text changes.
  bool Add(const QueryError& error);
};

struct QueryState {
  struct LabelsHash {
    using is_transparent = void;
    size_t operator()(const LabelSet& labels) const { return labels.Hash(); }
    size_t operator()(const SeriesState* state) const { return state->key->labels.Hash(); }
  };
  struct LabelsEqual {
    using is_transparent = void;
    static const LabelSet& Labels(const LabelSet& labels) { return labels; }
    static const LabelSet& Labels(const SeriesState* state) { return state->key->labels; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Labels(a) == Labels(b);
    }
  };

  Query query;
  RowSubject no_series;                       // As part of the id of a row without a series.
  uint32_t ordinal = 0;                       // Among all, as they became known.
  std::vector<SeriesState*> series_in_order;  // In which they became known.
  absl::flat_hash_set<SeriesState*, LabelsHash, LabelsEqual> series;
  MatchIndex index;
  Coverage coverage;
  // The latest sample that was refused at a limit: progress up to there would say too much.
  std::optional<Timestamp> refused_through;
  QueryFault fault;
  RowsByTime provisional;  // Rows of this query that are not final.
};

// A binding, and where it leads.
struct BindingState {
  std::shared_ptr<const Binding> binding;
  QueryState* query = nullptr;
  MatchGroup* group = nullptr;  // Null with MATCHING_AGREEMENT: it depends on the alert's labels.
};

// A transition and one query it is bound to (none when it is bound to nothing).
struct BoundTransition {
  TransitionState* transition = nullptr;
  const BindingState* binding = nullptr;  // The alert's reports hold it. Null when UNBOUND.
  MatchGroup* group = nullptr;            // In which it is matched.
  // The transition as it was indexed: its labels lead to its place there.
  std::shared_ptr<const Transition> indexed;
  // One per series; or else the UNBOUND or NO_SERIES row alone.
  StableList<RowState> rows;

  QueryState* query() const { return binding == nullptr ? nullptr : binding->query; }
  bool has_placeholder() const { return rows.size() == 1 && rows.front().series == nullptr; }
};

// One side of an episode.
struct TransitionState {
  Timestamp episode;  // Its key.
  std::shared_ptr<const Transition> transition;
  // One per query; one without when UNBOUND.
  StableList<BoundTransition> bound;
  uint32_t bytes = 0;    // As counted by the row table.
  uint32_t touched = 0;  // Its place among those that this batch touched, from 1. 0: it is not.
};

// Both sides of an episode; null: not there.
struct EpisodeTransitions {
  std::unique_ptr<TransitionState> firing;
  std::unique_ptr<TransitionState> resolved;

  std::unique_ptr<TransitionState>& of(AlertState state) {
    return state == AlertState::kResolved ? resolved : firing;
  }
};

}  // namespace alertjoin
