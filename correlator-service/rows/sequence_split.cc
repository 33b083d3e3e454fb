#include "correlator-service/rows/sequence_split.h"

#include <algorithm>
#include <span>

#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

bool SameTransition(const JoinedRow& a, const JoinedRow& b) {
  if (a.transition == b.transition) return true;
  const Transition& x = *a.transition;
  const Transition& y = *b.transition;
  return x.state == y.state && x.starts_at == y.starts_at && x.fingerprint == y.fingerprint &&
         x.source == y.source;
}

bool DeletesNoSeriesRow(const JoinedRow& change) {
  return change.operation == Operation::kDelete && change.match.state == MatchState::kNoSeries;
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

}  // namespace

std::vector<std::vector<JoinedRow>> SplitIntoSequences(std::vector<JoinedRow> changes,
                                                       const SequenceLimits& limits) {
  Runs runs(limits);
  // An amended transition is another one to SameTransition, so this reaches over its borders.
  bool with_the_one_before = false;
  for (auto begin = changes.begin(); begin != changes.end();) {
    const auto end = std::find_if_not(begin, changes.end(), [&](const JoinedRow& change) {
      return SameTransition(*begin, change);
    });
    const std::span<JoinedRow> transition(begin, end);
    size_t total_bytes = 0;
    for (const JoinedRow& change : transition) total_bytes += ApproximateBytes(change);
    if (!with_the_one_before && !runs.Fits(transition.size(), total_bytes)) runs.Open();
    if (transition.size() > limits.changes_max || total_bytes > limits.bytes_max) {
      std::stable_partition(begin, end, DeletesNoSeriesRow);
    }
    for (JoinedRow& change : transition) {
      const size_t bytes = ApproximateBytes(change);
      if (!with_the_one_before && !runs.Fits(1, bytes)) runs.Open();
      with_the_one_before = DeletesNoSeriesRow(change);
      runs.Add(std::move(change), bytes);
    }
    begin = end;
  }
  return runs.Take();
}

}  // namespace alertjoin
