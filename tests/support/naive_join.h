#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"
#include "tests/support/naive_tables.h"

namespace alertjoin {

// The as-of join by the rules alone, in the simplest way: keeps everything it was told and computes
// every row anew after each batch. Shares no code with the engine. For tests; slow: it takes a step
// for every millisecond that progress covers.
class NaiveJoin {
 public:
  // All that makes a row the one it is.
  struct Identity {
    std::string source, fingerprint;
    Timestamp episode;  // The greatest start in it.
    AlertState state;
    std::optional<Query> query;      // None: UNBOUND.
    std::optional<LabelSet> series;  // None: NO_SERIES or UNBOUND.
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };
  using Rows = std::map<Identity, JoinedRow>;

  void Apply(std::span<const Event> batch) {
    tables_.Add(batch);
    Compute();
  }
  // The last sample of a series before the horizon stays. A row from before it keeps its match, and
  // the value at a pending start from before it.
  void Expire(Timestamp sample_horizon, Timestamp row_horizon) {
    tables_.Expire(sample_horizon, row_horizon);
    Compute();
  }

  // Without ids, revisions and causes.
  const Rows& rows() const { return rows_; }

 private:
  using Notifications = NaiveTables::Notifications;
  // Of several bindings of one query the first in this order counts, however they came.
  struct BindingOrder {
    static auto Rank(const Binding& of) {
      return std::tuple(std::tie(of.matching, of.on, of.strict, of.first_after, of.tolerance,
                                 of.comparison_operator),
                        of.ThresholdKey());
    }
    bool operator()(const Binding& a, const Binding& b) const { return Rank(a) < Rank(b); }
  };
  // Of an episode, what the notifications of one state said together.
  struct Side {
    Transition transition;  // As one of them put it (NaiveAmend), with the times of the episode.
    std::map<Query, std::set<Binding, BindingOrder>> bindings;
  };
  struct Episode {
    Timestamp starts_at, through, key;
    Timestamp active_at;  // The earliest that was told; Max when none was.
    std::map<AlertState, Side> sides;
    // The last start that has no end: an end before it ends nothing.
    Timestamp open_since = Timestamp::Min();
  };

  // Every start spans an interval: to its latest end, or, while none is known, to the latest time
  // at which it was known as firing. Intervals that overlap are one episode.
  static std::vector<Episode> EpisodesOf(const Notifications& notifications);
  bool IsCovered(const Query& query, Timestamp from, Timestamp through) const;
  // Both: of a row with a query; of one with a pending start.
  bool IsFinal(const JoinedRow& row) const;
  bool IsFinalAtActive(const JoinedRow& row) const;
  void AddRows(const Side& side, const Episode& episode, Rows& rows) const;
  // `before`: the row as it was, null when it is new.
  void Judge(JoinedRow& row, const JoinedRow* before) const;
  void Compute();

  NaiveTables tables_;
  Rows rows_;
};

}  // namespace alertjoin
