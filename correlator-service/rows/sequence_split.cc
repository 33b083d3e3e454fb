#include "correlator-service/rows/sequence_split.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

// Source, fingerprint, state and start. The views live as long as a change of the transition does.
using TransitionKey = std::tuple<std::string_view, std::string_view, AlertState, Timestamp>;

TransitionKey KeyOf(const JoinedRow& change) {
  const Transition& transition = *change.transition;
  return {transition.source, transition.fingerprint, transition.state, transition.starts_at};
}

bool SameAlertAndState(const TransitionKey& a, const TransitionKey& b) {
  return std::get<0>(a) == std::get<0>(b) && std::get<1>(a) == std::get<1>(b) &&
         std::get<2>(a) == std::get<2>(b);
}

bool DeletesNoSeriesRow(const JoinedRow& change) {
  return change.operation == Operation::kDelete && change.match.state == MatchState::kNoSeries;
}

// The changes of one transition.
using Group = std::vector<JoinedRow>;
using Groups = std::map<TransitionKey, Group>;

// The group of the same alert and state with the nearest start, the earlier of two; or end().
Groups::iterator Nearest(Groups& groups, const TransitionKey& key) {
  const auto distance = [&key](const TransitionKey& other) {
    const Millis span = std::get<3>(other) - std::get<3>(key);
    return span < Millis(0) ? -span : span;
  };
  auto nearest = groups.end();
  const auto later = groups.lower_bound(key);
  if (later != groups.end() && SameAlertAndState(later->first, key)) nearest = later;
  if (later == groups.begin()) return nearest;
  const auto earlier = std::prev(later);
  if (!SameAlertAndState(earlier->first, key)) return nearest;
  if (nearest == groups.end() || distance(earlier->first) <= distance(nearest->first)) {
    nearest = earlier;
  }
  return nearest;
}

// Place of a change within its transition.
std::pair<int, RowId> OrderWithin(const JoinedRow& change) {
  const bool deletes = change.operation == Operation::kDelete;
  return {!deletes ? 2 : DeletesNoSeriesRow(change) ? 1 : 0, change.id};
}

// Place of a transition among the others.
std::pair<Timestamp, RowId> OrderOf(const Group& group) {
  std::pair<Timestamp, RowId> least(Timestamp::Max(), group.front().id);
  for (const JoinedRow& change : group) {
    least.first = std::min(least.first, change.transition->event_time());
    least.second = std::min(least.second, change.id);
  }
  return least;
}

std::vector<Group> SortedTransitions(std::vector<JoinedRow> changes) {
  const auto deletes = std::partition(changes.begin(), changes.end(), [](const JoinedRow& change) {
    return change.operation != Operation::kDelete;
  });
  Groups upserted;
  Groups deleted;  // Transitions with DELETEs only.
  for (auto change = changes.begin(); change != deletes; ++change) {
    const TransitionKey key = KeyOf(*change);
    upserted[key].push_back(std::move(*change));
  }
  for (auto change = deletes; change != changes.end(); ++change) {
    const TransitionKey key = KeyOf(*change);
    const auto nearest = Nearest(upserted, key);
    (nearest != upserted.end() ? nearest->second : deleted[key]).push_back(std::move(*change));
  }
  std::vector<std::pair<std::pair<Timestamp, RowId>, Group>> ordered;
  for (Groups* const groups : {&upserted, &deleted}) {
    for (auto& [key, group] : *groups) {
      std::ranges::sort(group, {}, OrderWithin);
      const auto order = OrderOf(group);
      ordered.emplace_back(order, std::move(group));
    }
  }
  std::ranges::sort(ordered, {}, [](const auto& entry) { return entry.first; });
  std::vector<Group> sorted;
  sorted.reserve(ordered.size());
  for (auto& [order, group] : ordered) sorted.push_back(std::move(group));
  return sorted;
}

// Collects runs; the last one is open.
class Runs {
 public:
  explicit Runs(const SequenceLimits& limits) : limits_(limits) {}

  bool Fits(size_t changes, size_t bytes) const {
    return runs_.empty() || runs_.back().empty() ||
           (runs_.back().size() + changes <= limits_.changes_max &&
            bytes_ + bytes <= limits_.bytes_max);
  }
  void Open() {
    if (!runs_.empty() && runs_.back().empty()) return;
    runs_.emplace_back();
    bytes_ = 0;
  }
  void Add(JoinedRow change, size_t bytes) {
    if (runs_.empty()) Open();
    runs_.back().push_back(std::move(change));
    bytes_ += bytes;
  }
  std::vector<std::vector<JoinedRow>> Take() { return std::move(runs_); }

 private:
  const SequenceLimits& limits_;
  std::vector<std::vector<JoinedRow>> runs_;
  size_t bytes_ = 0;
};

size_t TotalBytes(const std::vector<JoinedRow>& changes) {
  size_t bytes = 0;
  for (const JoinedRow& change : changes) bytes += ApproximateBytes(change);
  return bytes;
}

void AddTransition(Group transition, Runs& runs) {
  if (!runs.Fits(transition.size(), TotalBytes(transition))) runs.Open();
  bool with_the_one_before = false;
  for (JoinedRow& change : transition) {
    const size_t bytes = ApproximateBytes(change);
    if (!with_the_one_before && !runs.Fits(1, bytes)) runs.Open();
    with_the_one_before = DeletesNoSeriesRow(change);
    runs.Add(std::move(change), bytes);
  }
}

}  // namespace

std::vector<std::vector<JoinedRow>> SplitIntoSequences(std::vector<JoinedRow> changes,
                                                       const SequenceLimits& limits) {
  if (changes.empty()) return {};
  if (changes.size() <= limits.changes_max && TotalBytes(changes) <= limits.bytes_max) {
    std::vector<std::vector<JoinedRow>> whole(1);
    whole[0] = std::move(changes);
    return whole;
  }
  Runs runs(limits);
  for (Group& transition : SortedTransitions(std::move(changes))) {
    AddTransition(std::move(transition), runs);
  }
  return runs.Take();
}

size_t AlertsOfNextSequence(std::span<const AlertTable::Prepared> alerts,
                            const SequenceLimits& limits) {
  size_t count = 0;
  for (size_t bytes = 0; count < alerts.size() && count < limits.changes_max; ++count) {
    bytes += ApproximateBytes(alerts[count].alert);
    if (count > 0 && bytes > limits.bytes_max) break;
  }
  return count;
}

}  // namespace alertjoin
