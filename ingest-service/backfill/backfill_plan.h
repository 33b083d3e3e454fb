#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "common/event/query.h"
#include "ingest-service/backfill/time_ranges.h"

namespace alertjoin {

// One query whose past is wanted.
struct BackfillTask {
  Query query;
  TimeRange wanted;
  // Of an expression (time kind EVALUATION): the distance of its evaluations, which are at the
  // multiples of the step since the epoch. None: a plain selector, of which raw samples are wanted.
  std::optional<Millis> step;
};

// In which chunks a task is asked for. A chunk is as long as one answer is good for: that is learnt
// from the answers before it, since how many series there are and how often they are scraped is not
// known beforehand. Pure; not thread-safe.
//
// Of a plain selector a chunk is all of a time range. Of an expression it begins and ends at a time
// of the grid, and stands for the time up to the next one.
class BackfillPlan {
 public:
  // Points of one series in one answer: Prometheus refuses more than 11,000.
  static constexpr int64_t kSeriesPointsMax = 10'000;
  // Points of one answer: some 6 MB as Prometheus writes them.
  static constexpr int64_t kPointsTarget = 200'000;
  static constexpr Millis kFirstSpan = std::chrono::hours(1);
  // Also when nothing is found: there may be much right behind it.
  static constexpr Millis kSpanMax = std::chrono::hours(24);
  static constexpr int64_t kFirstSteps = 100;

  // What of the task is not in `done`. REQUIRES: wanted.from <= wanted.through; step > 0.
  BackfillPlan(const BackfillTask& task, const TimeRanges& done);

  // The next chunk, earliest first; none when nothing is left.
  std::optional<TimeRange> Next();

  // The chunk was answered, with so many points in all, and at most so many of one series: the next
  // ones can be longer, or must be shorter.
  void OnAnswer(TimeRange chunk, size_t points, size_t series_points_max);
  // The answer was too large. The chunk comes again, in shorter ones. False, and it does not come
  // again, when it cannot be shorter.
  bool OnTooLarge(TimeRange chunk);

  // All that the chunk stands for: up to the millisecond before the next chunk may begin.
  TimeRange Whole(TimeRange chunk) const;

  // What has not been handed out.
  Millis left() const;
  std::vector<TimeRange> Left() const { return {left_.begin(), left_.end()}; }

 private:
  // The chunk at the front of `left_`.
  TimeRange First() const;

  const std::optional<Millis> step_;
  std::deque<TimeRange> left_;  // Of an expression from one time of the grid to before another.
  Millis span_;
};

}  // namespace alertjoin
