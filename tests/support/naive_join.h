#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// The as-of join by the rules alone, in the simplest way: keeps everything it was told and computes
// every row anew after each batch. Shares no code with the engine. For tests; slow.
class NaiveJoin {
 public:
  void Apply(std::span<const Event> batch);
  void Expire(Timestamp sample_horizon, Timestamp row_horizon);

  // The rows as tests/support/join_events.h describes them, sorted.
  std::vector<std::string> Rows() const;

 private:
  using Alert = std::pair<std::string, std::string>;  // Source, fingerprint.
  struct Episode {
    Timestamp from, through, key;
    std::vector<TransitionEvent> notifications;
  };
  using RowsByName = std::map<std::string, JoinedRow>;  // By all that makes a row.

  static std::vector<Episode> EpisodesOf(const std::vector<TransitionEvent>& notifications);
  bool Covered(const Query& query, Timestamp from, Timestamp through) const;
  Match MatchOf(const std::map<Timestamp, double>& samples, Timestamp time,
                const Binding& binding) const;
  bool IsFinal(const Match& match, Timestamp time, const Binding& binding) const;
  void AddSide(const Episode& episode, AlertState state, RowsByName& rows) const;
  void Compute();

  std::map<std::pair<Query, LabelSet>, std::map<Timestamp, double>> samples_;
  std::vector<QueryProgress> progress_;
  std::map<Alert, std::vector<TransitionEvent>> notifications_;
  Timestamp sample_horizon_ = Timestamp::Min();
  Timestamp row_horizon_ = Timestamp::Min();
  RowsByName rows_;
};

}  // namespace alertjoin
