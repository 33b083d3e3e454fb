// The engine's side of what is said of whole queries: progress, gaps, errors.

#include <algorithm>
#include <tuple>

#include "correlator-service/join/engine.h"

namespace alertjoin {

bool QueryFault::Add(const QueryError& error) {
  const std::string_view known = text == nullptr ? std::string_view() : *text;
  const std::string_view told = error.error;
  if (time && std::tie(error.time, told) <= std::tie(*time, known)) return false;
  time = error.time;
  if (told == known) return false;
  text = told.empty() ? nullptr : std::make_shared<const std::string>(told);
  return true;
}

void Engine::ApplyEvent(const QueryProgress& progress) {
  QueryState& query = directory_.QueryOf(progress.query);
  // The source has sent every sample, but not all are here.
  Timestamp from = progress.complete_from;
  if (query.refused_through) from = std::max(from, *query.refused_through + Millis(1));
  if (from > progress.complete_through) return;
  const Interval covered = query.coverage.Add({from, progress.complete_through});
  for (auto row = query.provisional.lower_bound({covered.from, nullptr});
       row != query.provisional.end() && row->first <= covered.through; ++row) {
    rows_.Touch(*row->second, Cause::kFinalized);
  }
}

void Engine::ApplyEvent(const Gap& gap) {
  if (!gap.voids_progress) return;  // For readers; the join does not depend on it.
  QueryState& query = directory_.QueryOf(*gap.query);
  query.coverage.Void({*gap.from, *gap.through});
  // Rows that were final may no longer be. Which ones depends on their tolerance.
  const Timestamp from = *gap.from - kToleranceMax;
  const Timestamp through = *gap.through + kToleranceMax;
  const auto is_near = [&](Timestamp moment) { return moment >= from && moment <= through; };
  query.index.ForEachTransition([&](BoundTransition* bound) {
    for (RowState& row : bound->rows) {
      if (!is_near(row.time) && !(row.active_at && is_near(*row.active_at))) continue;
      rows_.Touch(row, Cause::kFinalized);
    }
  });
}

void Engine::ApplyEvent(const QueryError& error) {
  QueryState& query = directory_.QueryOf(error.query);
  if (!query.fault.Add(error)) return;
  query.index.ForEachTransition([this](BoundTransition* bound) {
    if (bound->has_placeholder()) rows_.Touch(bound->rows.front(), Cause::kQueryError);
  });
}

std::vector<QueryProgress> Engine::Progress() const {
  std::vector<QueryProgress> result;
  for (const auto& [query, state] : directory_.queries()) {
    if (state->coverage.empty()) continue;
    const Interval newest = state->coverage.Newest();
    result.push_back({query, newest.from, newest.through});
  }
  return result;
}

}  // namespace alertjoin
