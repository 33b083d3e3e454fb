#include "correlator-service/query/series_selection.h"

#include "common/status/status.h"

namespace alertjoin {
namespace {

// Keys copied in one turn: some tens of microseconds.
constexpr size_t kSeriesPerTurn = 2000;

}  // namespace

absl::StatusOr<std::vector<KnownSeries>> SeriesScan::Next(size_t series_max) {
  std::vector<KnownSeries> looked_at;
  RETURN_IF_ERROR(access_.Read([this, &looked_at](const TableReader& tables) {
    looked_at = tables.Series(next_, kSeriesPerTurn, [this](const Query& query) {
      return selection_.Wants(query) && (among_ == nullptr || among_->contains(query));
    });
  }));
  std::vector<KnownSeries> found;
  for (KnownSeries& series : looked_at) {
    if (found.size() == series_max) {
      next_ = series.place;
      return found;
    }
    ++scanned_;
    if (selection_.Wants(series.key->labels)) found.push_back(std::move(series));
  }
  at_end_ = looked_at.size() < kSeriesPerTurn;
  if (!looked_at.empty()) next_ = {looked_at.back().place.query, looked_at.back().place.series + 1};
  return found;
}

}  // namespace alertjoin
