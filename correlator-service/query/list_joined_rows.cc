#include "correlator-service/query/list_joined_rows.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"
#include "correlator-service/model/row_size.h"
#include "correlator-service/query/page_token.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
// Rows read under one lock of the store.
constexpr size_t kRowsPerRead = 1000;

struct Listing {
  RowFilter filter;
  RowRange range;
  size_t page_size = 0;
  uint64_t argument_hash = 0;
};

absl::StatusOr<Listing> DecodeRequest(const v1::ListJoinedRowsRequest& request) {
  Listing listing;
  ASSIGN_OR_RETURN(listing.filter,
                   DecodeRowFilter(request.filter(), request.state(), request.query_name(),
                                   request.final_only(), request.match_state()));
  ASSIGN_OR_RETURN(const TimeRange range, DecodeTimeRange(request));
  listing.range.from = range.from;
  listing.range.to = range.to;
  ASSIGN_OR_RETURN(listing.page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  listing.argument_hash =
      ArgumentHash(fmt::format("{} {}", range.ToString(), listing.filter.ToString()));
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(listing.range.after,
                     DecodePageToken(request.page_token(), listing.argument_hash));
  }
  return listing;
}

// Fills one page of a listing.
class PageBuilder {
 public:
  PageBuilder(const Listing& listing, const ListLimits& limits)
      : listing_(listing), limits_(limits), position_(listing.range.after) {}

  // False when a matching row no longer fits: the page is full.
  bool Add(const std::vector<SharedRow>& rows) {
    for (const SharedRow& row : rows) {
      if (listing_.filter.Matches(*row)) {
        const size_t row_bytes = ApproximateBytes(*row);
        const auto taken = static_cast<size_t>(response_.rows_size());
        const bool full = taken == listing_.page_size || bytes_ + row_bytes > limits_.bytes_max;
        if (taken > 0 && full) return false;
        EncodeRow(*row, Operation::kUpsert, response_.add_rows());
        bytes_ += row_bytes;
      }
      position_ = PositionOf(*row);
    }
    return true;
  }
  // The last row that the page covers, matching or not.
  const std::optional<RowPosition>& position() const { return position_; }
  v1::ListJoinedRowsResponse& response() { return response_; }

 private:
  const Listing& listing_;
  const ListLimits& limits_;
  v1::ListJoinedRowsResponse response_;
  size_t bytes_ = 0;
  std::optional<RowPosition> position_;
};

}  // namespace

absl::StatusOr<v1::ListJoinedRowsResponse> ListJoinedRows(const RowStore& store,
                                                          const v1::ListJoinedRowsRequest& request,
                                                          const ListLimits& limits) {
  ASSIGN_OR_RETURN(const Listing listing, DecodeRequest(request));
  PageBuilder builder(listing, limits);
  RowRange range = listing.range;
  bool end = false;
  for (size_t scanned = 0; !end && scanned < limits.rows_scanned_max;) {
    // One more than asked for tells whether there is another page.
    const RowPage page = store.ReadRows(range, scanned == 0 ? listing.page_size + 1 : kRowsPerRead);
    if (scanned == 0) builder.response().set_sequence(page.sequence.value());
    if (!builder.Add(page.rows)) break;
    scanned += page.rows.size();
    range.after = builder.position();
    end = page.end;
  }
  if (!end) {
    builder.response().set_next_page_token(
        EncodePageToken(*builder.position(), listing.argument_hash));
  }
  return std::move(builder.response());
}

}  // namespace alertjoin
