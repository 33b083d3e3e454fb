#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/text/matchers.h"
#include "correlator-service/join/table_access.h"

namespace alertjoin {

// Which series a reader wants: the conjunction of what is set. A value type.
struct SeriesSelection {
  Matchers matchers;
  std::string query_name;
  std::string source;

  bool Wants(const Query& query) const {
    return (query_name.empty() || query.name == query_name) &&
           (source.empty() || query.source == source);
  }
  bool Matches(const SeriesKey& key) const {
    return Wants(*key.query) && matchers.Matches(key.labels);
  }
  bool empty() const { return matchers.empty() && query_name.empty() && source.empty(); }
  // Equal selections have equal texts.
  std::string ToString() const;
};

// INVALID_ARGUMENT, reason INVALID_FILTER, with the field below `field`.
absl::StatusOr<SeriesSelection> DecodeSeriesSelector(const v1::SeriesSelector& selector,
                                                     const std::string& field = "series");
// The same, and INVALID_ARGUMENT, reason INVALID_SERIES_SELECTOR, when nothing is set.
absl::StatusOr<SeriesSelection> DecodeRequiredSeriesSelector(const v1::SeriesSelector& selector,
                                                             const std::string& field = "series");

// Finds the series of a selection, in order, some at a time. The matchers are tried on the reader's
// thread, in the writer's turns keys are copied only. Not thread-safe.
class SeriesScan {
 public:
  // `access` and `selection` must outlive it.
  SeriesScan(TableAccess& access, const SeriesSelection& selection, SeriesPlace from)
      : access_(access), selection_(selection), next_(from) {}

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
  SeriesPlace next_;
  size_t scanned_ = 0;
  bool at_end_ = false;
};

}  // namespace alertjoin
