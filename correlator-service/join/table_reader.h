#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "correlator-service/join/coverage.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/tables/sample_series.h"

namespace alertjoin {

// Place of a series among all: queries, and the series of each, in the order in which they became
// known. It stays as long as the engine lives.
struct SeriesPlace {
  size_t query = 0;
  size_t series = 0;
  friend auto operator<=>(const SeriesPlace&, const SeriesPlace&) = default;
};

struct KnownSeries {
  SeriesPlace place;
  std::shared_ptr<const SeriesKey> key;
};

// What the engine holds of one query.
struct KnownQuery {
  size_t ordinal = 0;  // As SeriesPlace::query.
  Query query;
  size_t series = 0;
  std::optional<Interval> progress;  // The interval that reaches furthest.
  // Why its source refuses it, and when that was last said; null and nothing when it does not.
  std::shared_ptr<const std::string> error;
  std::optional<Timestamp> error_time;
};

// Reads the tables of an engine. As thread-safe as the engine, which must outlive it: not at all.
// TableAccess is how other threads come to use one.
class TableReader {
 public:
  explicit TableReader(const Engine& engine) : engine_(engine) {}

  // The next series from `from` on whose query is wanted, at most `series_max`; nothing once there
  // are no more.
  std::vector<KnownSeries> Series(SeriesPlace from, size_t series_max,
                                  const std::function<bool(const Query&)>& wanted) const;
  // The queries that are wanted, by source, name and expression, behind the one with the ordinal
  // `after`; at most `queries_max`.
  std::vector<KnownQuery> Queries(std::optional<size_t> after, size_t queries_max,
                                  const std::function<bool(const Query&)>& wanted) const;

  // REQUIRES: the place of a known series.
  const SampleSeries& Samples(SeriesPlace place) const;
  // The times for which the source has sent everything of the query.
  const Coverage& CoverageOf(SeriesPlace place) const;
  // The place of the series, when it is known.
  std::optional<SeriesPlace> Find(const Query& query, const LabelSet& labels) const;

 private:
  const Engine& engine_;
};

}  // namespace alertjoin
