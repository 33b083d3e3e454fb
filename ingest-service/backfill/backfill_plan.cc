#include "ingest-service/backfill/backfill_plan.h"

#include <algorithm>

#include "common/status/status.h"
#include "ingest-service/prometheus/absences.h"

namespace alertjoin {
namespace {

// An answer tells little about the next one when it was empty or nearly so.
constexpr int64_t kGrowthMax = 4;

TimeRange Wanted(const BackfillTask& task) {
  if (!task.step.has_value()) return task.wanted;
  return {FloorToStep(task.wanted.from, *task.step),
          FloorToStep(task.wanted.through, *task.step) + *task.step - Millis(1)};
}

}  // namespace

BackfillPlan::BackfillPlan(const BackfillTask& task, const TimeRanges& done)
    : step_(task.step), span_(step_.has_value() ? *step_ * kFirstSteps : kFirstSpan) {
  CHECK(task.wanted.from <= task.wanted.through);
  CHECK(!step_.has_value() || *step_ > Millis(0));
  for (TimeRange missing : done.MissingIn(Wanted(task))) {
    if (step_.has_value()) {
      // Nothing but whole steps was ever done, unless somebody has edited what was remembered.
      missing.from = FloorToStep(missing.from, *step_);
      missing.through = FloorToStep(missing.through, *step_) + *step_ - Millis(1);
      if (!left_.empty() && left_.back().through >= missing.from) {
        left_.back().through = missing.through;
        continue;
      }
    }
    left_.push_back(missing);
  }
}

TimeRange BackfillPlan::First() const {
  const TimeRange& front = left_.front();
  Timestamp through = std::min(front.through, front.from + span_ - Millis(1));
  if (step_.has_value()) through = FloorToStep(through, *step_);
  return {front.from, through};
}

std::optional<TimeRange> BackfillPlan::Next() {
  if (left_.empty()) return std::nullopt;
  const TimeRange chunk = First();
  const TimeRange whole = Whole(chunk);
  if (whole.through >= left_.front().through) {
    left_.pop_front();
  } else {
    left_.front().from = whole.through + Millis(1);
  }
  return chunk;
}

void BackfillPlan::OnAnswer(TimeRange chunk, size_t points, size_t series_points_max) {
  const TimeRange whole = Whole(chunk);
  const auto length = static_cast<double>((whole.through - whole.from).count() + 1);
  double span = static_cast<double>(span_.count()) * kGrowthMax;
  const auto fit = [&](int64_t most, size_t found) {
    if (found == 0) return;
    span = std::min(span, length * static_cast<double>(most) / static_cast<double>(found));
  };
  fit(kPointsTarget, points);
  fit(kSeriesPointsMax, series_points_max);
  const Millis least = step_.value_or(Millis(1));
  const Millis most = step_.has_value() ? *step_ * kSeriesPointsMax : kSpanMax;
  span_ = std::clamp(Millis(static_cast<int64_t>(span)), least, most);
}

bool BackfillPlan::OnTooLarge(TimeRange chunk) {
  const TimeRange whole = Whole(chunk);
  const Millis length = whole.through - whole.from + Millis(1);
  const Millis shortest = step_.value_or(Millis(1000));
  if (length <= shortest) return false;
  span_ = std::max(shortest, length / 2);
  if (!left_.empty() && left_.front().from == whole.through + Millis(1)) {
    left_.front().from = whole.from;
  } else {
    left_.push_front(whole);
  }
  return true;
}

TimeRange BackfillPlan::Whole(TimeRange chunk) const {
  if (!step_.has_value()) return chunk;
  return {chunk.from, chunk.through + *step_ - Millis(1)};
}

Millis BackfillPlan::left() const {
  Millis sum(0);
  for (const TimeRange& range : left_) sum += range.through - range.from + Millis(1);
  return sum;
}

}  // namespace alertjoin
