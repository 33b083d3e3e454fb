#pragma once

#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/codec/series_selector.h"
#include "correlator-service/join/table_access.h"

namespace alertjoin {

// Finds the series of a selection, in order, some at a time. The matchers are tried on the reader's
// thread, in the writer's turns keys are copied only. Not thread-safe.
class SeriesScan {
 public:
  // Looks at series of `among` only; null: of all queries. `access`, `selection` and `among` must
  // outlive it.
  SeriesScan(TableAccess& access, const SeriesSelection& selection, SeriesPlace from,
             const std::set<Query>* among = nullptr)
      : access_(access), selection_(selection), among_(among), next_(from) {}

  // Some of the next series, at most `series_max` > 0: none when nothing in the part that was
  // looked at is wanted; ask AtEnd(). The errors of TableAccess::Read.
  absl::StatusOr<std::vector<KnownSeries>> Next(size_t series_max);
  // Every series was looked at.
  bool AtEnd() const { return at_end_; }
  // Where the next call goes on.
  SeriesPlace next() const { return next_; }
  // So far.
  size_t scanned() const { return scanned_; }

 private:
  TableAccess& access_;
  const SeriesSelection& selection_;
  const std::set<Query>* const among_;
  SeriesPlace next_;
  size_t scanned_ = 0;
  bool at_end_ = false;
};

}  // namespace alertjoin
