#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "correlator-service/join/engine_state.h"

namespace alertjoin {

// The rows of one engine and what has become of them in the current batch. Rows are touched any
// number of times while a batch is applied, and looked at once, in Flush: thus a batch makes at
// most one revision of each. Not thread-safe.
class RowTable {
 public:
  RowTable(size_t rows_max, uint64_t bytes_max) : rows_max_(rows_max), bytes_max_(bytes_max) {}

  // Takes on a new transition, which must come to Bury in the end.
  void Adopt(TransitionState& transition);
  // Makes a row of the transition for the series (null: its placeholder).
  void Create(BoundTransition& bound, SeriesState* series, Cause reason);
  // Has the row looked at again in Flush. Of several reasons the strongest counts.
  void Touch(RowState& row, Cause reason);
  // Forgets the row, which is then to be removed; Flush gives its DELETE, if it was ever given.
  void Retire(RowState& row, Cause reason);
  // Gives the transition other contents, indexes its rows by its moments and touches them.
  void Amend(TransitionState& transition, std::shared_ptr<const Transition> amended);
  // Takes over a transition that has no rows any more, until its DELETEs are given.
  void Bury(std::unique_ptr<TransitionState> transition);

  // What rows keep behind the horizon, row_match.h says.
  void SetSampleHorizon(Timestamp horizon) { sample_horizon_ = horizon; }

  // The changes of the batch. Those of one transition are adjacent, DELETEs first.
  std::vector<JoinedRow> Flush(Timestamp applied_at);

  // The row as a change, as it stands after Flush. `reason` must hold for it.
  static JoinedRow Describe(const RowState& row, Operation operation, Cause cause,
                            Timestamp applied_at);

  size_t size() const { return size_; }
  // Memory of the rows and their transitions; approximate in what a transition holds.
  uint64_t bytes() const { return bytes_; }
  // At a limit: no row should be made, but for the placeholders of known transitions.
  bool full() const { return size_ >= rows_max_ || bytes_ >= bytes_max_; }
  uint64_t revisions_after_final() const { return revisions_after_final_; }

  // For a restart: makes the row's id, where that has not been done.
  static void MakeId(RowState& row);
  // For a restart: gives a row that was made since the last Flush the state that readers know it
  // in, and takes its touch away. Parts of `known` that are here as well become shared.
  void Restore(RowState& row, JoinedRow& known);

 private:
  // What has become of one transition in this batch.
  struct Touched {
    TransitionState* transition = nullptr;
    absl::InlinedVector<RowState*, 1> dirty;  // Rows to look at again.
    std::vector<JoinedRow> deleted;           // Rows that are gone, as they last were.
    bool is_new = false;                      // No reader knows rows of this object.
    // As readers know it; null: as it is, or not at all.
    std::shared_ptr<const Transition> known;
  };

  Touched& TouchedOf(TransitionState& transition);
  void Count(TransitionState& transition);
  static void Forget(absl::InlinedVector<RowState*, 1>& dirty, const RowState& row);
  // Puts the row among those of its series, or the provisional ones of its query, or takes it away.
  static void Index(RowState& row);
  static void Unindex(RowState& row);
  static void SetProvisional(RowState& row, bool provisional);
  // A row that was retired and made again in this batch goes on where it was: no DELETE, and its
  // next revision if anything changed.
  void AdoptDeleted();
  // Readers know the row so. It stays to be judged whether they still see it so.
  void SetKnown(RowState& row, const JoinedRow& known);
  void SetMatch(RowState& row, const Match& match);
  // Judges the row of the transition anew, and takes its touch away. Where readers see a difference
  // the change is added.
  void Judge(const Touched& touched, RowState& row, Timestamp applied_at,
             std::vector<JoinedRow>& changes);
  static JoinedRow Describe(const RowState& row, Match match, Operation operation, Cause cause,
                            Timestamp applied_at);

  const size_t rows_max_;
  const uint64_t bytes_max_;
  std::vector<Touched> touched_;
  std::vector<std::unique_ptr<TransitionState>> buried_;
  Timestamp sample_horizon_ = Timestamp::Min();
  size_t size_ = 0;
  uint64_t bytes_ = 0;
  uint64_t revisions_after_final_ = 0;
};

}  // namespace alertjoin
