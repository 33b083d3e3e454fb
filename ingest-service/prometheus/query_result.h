#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// One series of an answer. The columns have equal lengths; times ascend as the server sent them.
struct ResultSeries {
  LabelSet labels;
  std::vector<Timestamp> times;
  std::vector<double> values;
};

// The answer to a query, whatever its type: a vector has one point per series, a scalar is one
// series without labels.
struct QueryResult {
  std::vector<ResultSeries> series;
  // The server said that something is missing: what is there is right, what is not proves nothing.
  bool partial = false;
  // It is missing for now: parts of the server were out of reach. Not so where the evaluation
  // itself left something out, which it does each time.
  bool may_heal = false;
  // When it was given, by the server's clock, to the second before. Nothing: it did not say.
  std::optional<Timestamp> date;
  // Points that were left out because they are native histograms.
  uint64_t histograms_skipped = 0;
  // What the server remarked, at most 100 of each.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
};

// Decodes the answer of /api/v1/query or /api/v1/query_range. Limits: nesting of 32. Errors, with
// what the server said:
//   INVALID_ARGUMENT   bad_data, or a result that is text: the query is at fault.
//   ABORTED            execution: the query could not be evaluated, for what it is about as it
//                      stands, or for trouble inside the server, which many servers report so.
//   NOT_FOUND          the path is none of the API's: the URL is at fault.
//   UNAUTHENTICATED, PERMISSION_DENIED   401 and 403.
//   FAILED_PRECONDITION   a redirect, which is not followed.
//   UNAVAILABLE        everything else, answers that are no JSON among it: try again.
// Source: prometheus/prometheus web/api/v1/api.go.
absl::StatusOr<QueryResult> DecodeQueryAnswer(int http_code, std::string_view body);

// How far a source's clock may be behind ours. A date that is further off is that of a proxy, more
// likely, whose clock was never set: what is asked does not go by it.
constexpr Millis kClockBehindMax = std::chrono::hours(1);

// What the server's clock showed at most when it was asked, `took` before its answer was here;
// Timestamp::Max() when it did not say. What it has is no newer, whatever our own clock shows.
Timestamp AskedAtMost(const QueryResult& result, Millis took);
// How far the server's clock is behind ours at least, when it was asked at `sent` by ours; zero
// when it did not say.
Millis BehindAtLeast(const QueryResult& result, Timestamp sent);

// Whether the query itself is at fault: sending it again gives the same error.
bool IsPermanent(const absl::Status& status);
// Whether it is this query that is complained of, and not the source that is unwell.
bool IsOfQuery(const absl::Status& status);
// Whether asking for less time at once may help.
bool MayBeTooMuch(const absl::Status& status);

}  // namespace alertjoin
