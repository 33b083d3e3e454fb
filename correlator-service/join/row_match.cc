#include "correlator-service/join/row_match.h"

#include "correlator-service/join/as_of.h"

namespace alertjoin {
namespace {

Match MatchWithoutSeries(const QueryState& query) {
  Match match;
  match.state = MatchState::kNoSeries;
  match.query_error = query.fault.text;
  return match;
}

// At the event time.
RowMatch MatchAtEvent(const RowState& row) {
  const Binding& binding = *row.bound->binding->binding;
  const QueryState& query = *row.bound->query();
  RowMatch result{row.series != nullptr ? MatchAsOf(row.series->samples, row.time, binding)
                                        : MatchWithoutSeries(query)};
  result.final = query.coverage.Contains(DecisiveInterval(result.match, row.time, binding));
  return result;
}

// Puts what is to be said of the pending start into `match`, and returns whether that is final.
bool MatchAtActive(const RowState& row, Timestamp active_at, bool keep, Match& match) {
  const Binding& binding = *row.bound->binding->binding;
  if (keep) {
    const Match known = row.match.Get();
    match.value_at_active = known.value_at_active;
    match.active_sample_time = known.active_sample_time;
    if (row.final) return true;
  } else if (row.series != nullptr) {
    AddMatchAtActive(row.series->samples, active_at, binding, &match);
  }
  return row.bound->query()->coverage.Contains(DecisiveIntervalAtActive(match, active_at, binding));
}

}  // namespace

RowMatch MatchRow(const RowState& row, bool has_known_start, Timestamp sample_horizon) {
  if (row.bound->binding == nullptr) return {};  // UNBOUND.
  const bool keep = row.revision > 0 && row.time < sample_horizon;
  RowMatch result = keep ? RowMatch{row.match.Get(), row.final} : MatchAtEvent(row);
  result.match.value_at_active.reset();
  result.match.active_sample_time.reset();
  if (!row.active_at) return result;
  const bool keep_at_active =
      row.revision > 0 && *row.active_at < sample_horizon && has_known_start;
  const bool final_at_active = MatchAtActive(row, *row.active_at, keep_at_active, result.match);
  if (!keep) result.final = result.final && final_at_active;
  return result;
}

}  // namespace alertjoin
