#include "correlator-service/join/coverage.h"

#include <algorithm>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kStep{1};

std::vector<Interval> List(const std::map<Timestamp, Timestamp>& intervals) {
  std::vector<Interval> result;
  for (const auto& [from, through] : intervals) result.push_back({from, through});
  return result;
}

}  // namespace

Interval Coverage::Insert(Intervals& intervals, Interval added) {
  auto next = intervals.upper_bound(added.from);
  if (next != intervals.begin()) {
    const auto previous = std::prev(next);
    if (previous->second + kStep >= added.from) next = previous;
  }
  while (next != intervals.end() && next->first <= added.through + kStep) {
    added.from = std::min(added.from, next->first);
    added.through = std::max(added.through, next->second);
    next = intervals.erase(next);
  }
  intervals.emplace_hint(next, added.from, added.through);
  return added;
}

Interval Coverage::Add(Interval added) {
  CHECK(added.from <= added.through);
  Interval hull = added;
  const auto insert = [&](Interval part) {
    const Interval whole = Insert(covered_, part);
    hull = {std::min(hull.from, whole.from), std::max(hull.through, whole.through)};
  };
  auto hole = voided_.upper_bound(added.from);
  if (hole != voided_.begin() && std::prev(hole)->second >= added.from) --hole;
  for (; hole != voided_.end() && hole->first <= added.through; ++hole) {
    if (added.from < hole->first) insert({added.from, hole->first - kStep});
    if (hole->second >= added.through) return hull;
    added.from = hole->second + kStep;
  }
  insert(added);
  return hull;
}

void Coverage::Void(Interval voided) {
  CHECK(voided.from <= voided.through);
  Insert(voided_, voided);
  auto next = covered_.upper_bound(voided.from);
  if (next != covered_.begin() && std::prev(next)->second >= voided.from) --next;
  while (next != covered_.end() && next->first <= voided.through) {
    const auto [from, through] = *next;
    next = covered_.erase(next);
    if (from < voided.from) covered_.emplace_hint(next, from, voided.from - kStep);
    if (through > voided.through) covered_.emplace_hint(next, voided.through + kStep, through);
  }
}

bool Coverage::Contains(Interval wanted) const {
  auto next = covered_.upper_bound(wanted.from);
  if (next == covered_.begin()) return false;
  return std::prev(next)->second >= wanted.through;
}

Interval Coverage::Newest() const {
  CHECK(!empty());
  const auto& [from, through] = *covered_.rbegin();
  return {from, through};
}

void Coverage::ForgetBefore(Intervals& intervals, Timestamp horizon) {
  while (!intervals.empty() && intervals.begin()->second < horizon) {
    intervals.erase(intervals.begin());
  }
}

void Coverage::Expire(Timestamp horizon) {
  ForgetBefore(covered_, horizon);
  ForgetBefore(voided_, horizon);
}

std::vector<Interval> Coverage::Covered() const { return List(covered_); }
std::vector<Interval> Coverage::Voided() const { return List(voided_); }

}  // namespace alertjoin
