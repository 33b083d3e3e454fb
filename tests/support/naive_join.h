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

  void Apply(std::span<const Event> batch);
  // The last sample of a series at or before the horizon stays. A row from before it keeps its
  // match.
  void Expire(Timestamp sample_horizon, Timestamp row_horizon);

  // Without ids, revisions and causes.
  const Rows& rows() const { return rows_; }

 private:
  // The notifications of one alert, those of each start in the order in which they came.
  using Notifications = std::map<Timestamp, std::vector<TransitionEvent>>;
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
    Transition transition;  // As the first of them put it, with the times of the episode.
    std::map<Query, std::set<Binding, BindingOrder>> bindings;
  };
  struct Episode {
    Timestamp starts_at, through, key;
    std::map<AlertState, Side> sides;
  };

  // Every start spans an interval: to its latest end, or, while none is known, to the latest time
  // at which it was known as firing. Intervals that overlap are one episode.
  static std::vector<Episode> EpisodesOf(const Notifications& notifications);
  bool IsFinal(const JoinedRow& row) const;
  void AddRows(const Side& side, Timestamp episode, Rows& rows) const;
  void Compute();

  std::map<std::pair<Query, LabelSet>, std::map<Timestamp, double>> samples_;
  std::set<std::pair<Query, Timestamp>> covered_, void_;                 // Every millisecond of it.
  std::map<std::pair<std::string, std::string>, Notifications> alerts_;  // By source, fingerprint.
  Timestamp sample_horizon_ = Timestamp::Min();
  Timestamp row_horizon_ = Timestamp::Min();
  Rows rows_;
};

}  // namespace alertjoin
