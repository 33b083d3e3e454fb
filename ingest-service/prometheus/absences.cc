#include "ingest-service/prometheus/absences.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace alertjoin {
namespace {

std::unordered_set<const KnownSeries*> SeriesIn(const QueryResult& result,
                                                SampleTransaction& transaction) {
  std::unordered_set<const KnownSeries*> present;
  for (const ResultSeries& found : result.series) {
    // A series of histograms is there, too, though its points are skipped.
    present.insert(transaction.SeriesOf(found.labels));
  }
  return present;
}

size_t AddAbsencesAt(const QueryResult& at_time, Timestamp after, Timestamp time,
                     SampleTransaction& transaction) {
  const auto present = SeriesIn(at_time, transaction);
  size_t absences = 0;
  transaction.cache().ForEach([&](KnownSeries& series) {
    if (present.count(&series) > 0) return;
    if (transaction.AddStaleMarker(series, after, time)) ++absences;
  });
  return absences;
}

Timestamp NextOnGrid(Timestamp time, const EvaluationGrid& grid) {
  const Timestamp floor = FloorToStep(time, grid.step);
  return std::max(grid.start, floor == time ? time : floor + grid.step);
}

// Markers of one series. Only times behind one of its values need a look: `values` is what the
// answer had of it, in order.
size_t AddAbsencesOf(KnownSeries& series, const std::vector<Timestamp>& values,
                     const EvaluationGrid& grid, SampleTransaction& transaction) {
  std::vector<SeriesHistory::Entry> entries = series.history.After(grid.start);
  if (const auto before = series.history.AsOf(grid.start)) {
    entries.insert(entries.begin(), *before);
  }
  size_t absences = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (IsStaleMarker(entries[i].value)) continue;
    Timestamp absent = NextOnGrid(entries[i].time, grid);
    if (std::binary_search(values.begin(), values.end(), absent)) absent = absent + grid.step;
    const bool replaced = i + 1 < entries.size() && entries[i + 1].time <= absent;
    if (replaced || absent > grid.end) continue;
    if (transaction.AddStaleMarker(series, Timestamp::Min(), absent)) ++absences;
  }
  return absences;
}

}  // namespace

size_t AddSelectorAbsences(const QueryResult& at_time, Timestamp time, Millis lookback,
                           SampleTransaction& transaction) {
  return AddAbsencesAt(at_time, time - lookback, time, transaction);
}

size_t AddExpressionAbsences(const QueryResult& at_time, Timestamp time,
                             SampleTransaction& transaction) {
  return AddAbsencesAt(at_time, Timestamp::Min(), time, transaction);
}

size_t AddGridAbsences(const QueryResult& on_grid, const EvaluationGrid& grid,
                       SampleTransaction& transaction) {
  std::unordered_map<const KnownSeries*, const std::vector<Timestamp>*> present;
  for (const ResultSeries& found : on_grid.series) {
    present.emplace(transaction.SeriesOf(found.labels), &found.times);
  }
  const std::vector<Timestamp> none;
  size_t absences = 0;
  transaction.cache().ForEach([&](KnownSeries& series) {
    const auto values = present.find(&series);
    absences +=
        AddAbsencesOf(series, values != present.end() ? *values->second : none, grid, transaction);
  });
  return absences;
}

Timestamp FloorToStep(Timestamp time, Millis step) {
  const int64_t steps = time.millis() / step.count();
  const int64_t floored = steps * step.count() > time.millis() ? steps - 1 : steps;
  return Timestamp::FromMillis(floored * step.count());
}

}  // namespace alertjoin
