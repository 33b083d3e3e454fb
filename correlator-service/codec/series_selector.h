#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "alertjoin/v1/samples.pb.h"
#include "common/event/series_table.h"
#include "common/text/matchers.h"

namespace alertjoin {

// Which series a reader wants: the conjunction of what is set. A value type.
struct SeriesSelection {
  Matchers matchers;
  std::string query_name;
  std::string source;
  Matchers scope;  // What the reader may see at all (reader_scope.h).

  bool Wants(const Query& query) const {
    return (query_name.empty() || query.name == query_name) &&
           (source.empty() || query.source == source);
  }
  bool Wants(const LabelSet& labels) const {
    return scope.Matches(labels) && matchers.Matches(labels);
  }
  bool Matches(const SeriesKey& key) const { return Wants(*key.query) && Wants(key.labels); }
  bool AsksForAll() const { return matchers.empty() && query_name.empty() && source.empty(); }
  bool MatchesAll() const { return AsksForAll() && scope.empty(); }
  // Equal selections have equal texts.
  std::string ToString() const;
};

// INVALID_ARGUMENT, reason INVALID_FILTER, with the field below `field`.
absl::StatusOr<SeriesSelection> DecodeSeriesSelector(const v1::SeriesSelector& selector,
                                                     const std::string& field = "series");
// The same, and INVALID_ARGUMENT, reason INVALID_SERIES_SELECTOR, when nothing is set.
absl::StatusOr<SeriesSelection> DecodeRequiredSeriesSelector(const v1::SeriesSelector& selector,
                                                             const std::string& field = "series");

}  // namespace alertjoin
