#pragma once

#include <optional>
#include <string>

#include "ingest-service/prometheus/absences.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/sample_transaction.h"

namespace alertjoin {

// Longest time that one poll makes up for after failures; what lies before becomes a Gap.
constexpr Millis kCatchUpMax = std::chrono::hours(1);
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

// The poll at `now`. Polls overlap; the first one, and one after failures, looks further back:
// `taken_through` is the `at` of the last whose samples were taken.
SelectorPoll PlanSelectorPoll(const PollTerms& terms, std::optional<Timestamp> taken_through,
                              Timestamp now);

// `selector[window]` for an expression that IsPlainSelector.
std::string RangeSelector(const std::string& expression, Millis window);

// Adds what the two answers say: samples, stale markers, and (when both are complete) the claim
// [at - window + 1 ms, settled]. After a series has gone, the claim begins where that was seen: at
// which moment since the evaluation before it went is not known.
void ApplySelectorPoll(const SelectorPoll& poll, Millis lookback, const QueryResult& samples,
                       const QueryResult& presence, SampleTransaction& transaction);

// One poll of any other expression.
struct GridPoll {
  EvaluationGrid grid;
  std::optional<MissedTime> missed;
};

// The poll at `now`: up to the newest grid time, from the newest that had settled when the last
// taken poll was made, at `taken_at`. The first poll is of the newest grid time only.
GridPoll PlanGridPoll(const PollTerms& terms, std::optional<Timestamp> taken_at, Timestamp now);

// Adds samples and stale markers. A grid claims nothing: between its times nothing is known.
void ApplyGridPoll(const GridPoll& poll, const QueryResult& result, SampleTransaction& transaction);

}  // namespace alertjoin
