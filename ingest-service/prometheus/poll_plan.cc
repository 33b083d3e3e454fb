#include "ingest-service/prometheus/poll_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/time/duration.h"
#include "ingest-service/prometheus/promql_text.h"

namespace alertjoin {
namespace {

constexpr Millis kWindowMin = std::chrono::seconds(30);

void ReportMissed(const std::optional<MissedTime>& missed, SampleTransaction& transaction) {
  if (!missed.has_value()) return;
  transaction.ReportGap(missed->from, missed->through,
                        "the metrics source could not be polled for too long");
}

void ReportRefused(Timestamp at, SampleTransaction& transaction) {
  if (transaction.series_refused() == 0) return;
  transaction.ReportGap(std::nullopt, at,
                        fmt::format("{} series are beyond a limit (series per query, or labels of "
                                    "a series): make the query narrower",
                                    transaction.series_refused()));
}

}  // namespace

PollTerms TermsOf(const MetricsSourceOptions& source, const QueryOptions& query) {
  const Millis overlapping =
      std::max(2 * query.interval + source.timeout, kWindowMin) + source.settle_delay;
  return {query.interval, query.window.value_or(overlapping), query.step.value_or(query.interval),
          source.settle_delay, source.lookback};
}

Millis UsualSpan(const PollTerms& terms) {
  return std::max(terms.window, 2 * (terms.interval + terms.settle_delay));
}

SelectorPoll PlanSelectorPoll(const PollTerms& terms, const PollProgress& progress, Timestamp now) {
  const std::optional<Timestamp> taken_through = progress.taken_through();
  SelectorPoll poll{now, now - terms.settle_delay, terms.window, std::nullopt};
  Millis needed = terms.lookback + terms.settle_delay;
  if (taken_through.has_value()) needed = now - *taken_through + terms.settle_delay;
  poll.window = std::max(terms.window, std::min(needed, std::max(kCatchUpMax, terms.window)));
  if (taken_through.has_value() && *taken_through < now - poll.window) {
    poll.missed = MissedTime{*taken_through + Millis(1), now - poll.window};
  }
  const Millis span_max = std::max(progress.span_max(), UsualSpan(terms));
  if (poll.window > span_max) {
    poll.at = now - poll.window + span_max;
    poll.settled = poll.at - terms.settle_delay;
    poll.window = span_max;
  }
  return poll;
}

std::string RangeSelector(const std::string& expression, Millis window) {
  return fmt::format("{}[{}]", StripParentheses(expression), FormatDuration(window));
}

void ApplySelectorPoll(const SelectorPoll& poll, Millis lookback, Timestamp asked_at,
                       const QueryResult& samples, const QueryResult& presence,
                       SampleTransaction& transaction) {
  transaction.AddAll(samples);
  if (!presence.partial && !samples.partial) {
    const size_t gone = AddSelectorAbsences(presence, poll.settled, lookback, transaction);
    SeriesCache& cache = transaction.cache();
    if (gone > 0) cache.RecordDisappearance(poll.settled);
    if (transaction.series_refused() == 0) {
      const Timestamp from = cache.CertainFrom(poll.at - poll.window + Millis(1), poll.settled);
      const Timestamp through = std::min(poll.settled, asked_at - (poll.at - poll.settled));
      if (from <= through) transaction.Claim(from, through);
    }
  }
  ReportMissed(poll.missed, transaction);
  ReportRefused(poll.at, transaction);
}

GridPoll PlanGridPoll(const PollTerms& terms, const PollProgress& progress, Timestamp now) {
  const std::optional<Timestamp> taken_at = progress.taken_through();
  GridPoll poll;
  poll.at = now;
  poll.grid.end = FloorToStep(now, terms.step);
  poll.grid.start = poll.grid.end;
  poll.grid.step = terms.step;
  const Timestamp from = taken_at.value_or(now - terms.lookback) - terms.settle_delay;
  const Timestamp wanted = std::min(poll.grid.end, FloorToStep(from, terms.step));
  const int64_t steps_max = std::clamp<int64_t>(kCatchUpMax / terms.step, 1, kGridPointsMax - 1);
  poll.grid.start = std::max(wanted, poll.grid.end - terms.step * steps_max);
  if (taken_at.has_value()) {
    const Timestamp last_taken = FloorToStep(*taken_at, terms.step);
    if (poll.grid.start > last_taken + terms.step) {
      poll.missed = MissedTime{last_taken + terms.step, poll.grid.start - Millis(1)};
    }
  }
  const Millis span_max = std::max(progress.span_max(), UsualSpan(terms) + 2 * terms.step);
  if (poll.grid.end - poll.grid.start > span_max) {
    poll.grid.end = FloorToStep(poll.grid.start + span_max, terms.step);
    poll.at = poll.grid.end;
  }
  return poll;
}

void ApplyGridPoll(const GridPoll& poll, const QueryResult& result,
                   SampleTransaction& transaction) {
  transaction.AddAll(result);
  if (!result.partial) AddGridAbsences(result, poll.grid, transaction);
  transaction.AddMarkersAtEvaluations();
  ReportMissed(poll.missed, transaction);
  ReportRefused(poll.grid.end, transaction);
}

}  // namespace alertjoin
