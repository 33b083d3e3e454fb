#pragma once

#include <optional>
#include <string>

#include "ingest-service/prometheus/absences.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/poll_progress.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/sample_transaction.h"

namespace alertjoin {

// Prometheus refuses more points per series.
constexpr int64_t kGridPointsMax = 11'000;

// How one query is polled, with every default filled in.
struct PollTerms {
  Millis interval;
  Millis window;
  Millis step;
  Millis settle_delay;
  Millis lookback;
};
PollTerms TermsOf(const MetricsSourceOptions& source, const QueryOptions& query);

// A time range that no poll has covered. Closed.
struct MissedTime {
  Timestamp from;
  Timestamp through;
};

// One poll of a plain selector: the raw samples in (at - window, at], and which series had a value
// at `settled`, the newest time of which nothing more is to come.
struct SelectorPoll {
  Timestamp at;
  Timestamp settled;
  Millis window{0};
  std::optional<MissedTime> missed;
};

// The poll at `now`. Polls overlap; the first one, and one after failures, looks further back. What
// is more than the query may ask for at once is asked for in parts, the oldest first: `at` lies in
// the past then.
SelectorPoll PlanSelectorPoll(const PollTerms& terms, const PollProgress& progress, Timestamp now);
// The window of polls that have nothing to make up for, or what each of several parts must have for
// them to come to an end.
Millis UsualSpan(const PollTerms& terms);

// `selector[window]` for an expression that IsPlainSelector.
std::string RangeSelector(const std::string& expression, Millis window);

// Adds what the two answers say: samples, stale markers, and (when both are complete) the claim
// [at - window + 1 ms, settled], though not beyond what had settled at `asked_at`, the time by the
// source's own clock. After a series has gone, the claim begins where that was seen: at which
// moment since the evaluation before it went is not known.
void ApplySelectorPoll(const SelectorPoll& poll, Millis lookback, Timestamp asked_at,
                       const QueryResult& samples, const QueryResult& presence,
                       SampleTransaction& transaction);

// One poll of any other expression.
struct GridPoll {
  EvaluationGrid grid;
  Timestamp at;  // When everything up to the grid's end was as it is.
  std::optional<MissedTime> missed;
};

// The poll at `now`: up to the newest grid time, or in parts, as above; from the newest that had
// settled at the time through which samples were taken. The first poll reaches back as far as a
// value is kept alive, so that what has ended since a process before this one is seen to have.
GridPoll PlanGridPoll(const PollTerms& terms, const PollProgress& progress, Timestamp now);

// Adds samples and stale markers. A grid claims nothing: between its times nothing is known.
void ApplyGridPoll(const GridPoll& poll, const QueryResult& result, SampleTransaction& transaction);

}  // namespace alertjoin
