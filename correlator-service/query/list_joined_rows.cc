#include "correlator-service/query/list_joined_rows.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/codec/row_codec.h"
#include "correlator-service/query/fill_page.h"
#include "correlator-service/query/page_token.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;

struct Listing {
  RowFilter filter;
  PageRequest page;
};

absl::StatusOr<Listing> DecodeRequest(const v1::ListJoinedRowsRequest& request,
                                      const Matchers& scope) {
  Listing listing;
  ASSIGN_OR_RETURN(listing.filter,
                   DecodeRowFilter(request.filter(), request.state(), request.query_name(),
                                   request.final_only(), request.match_state()));
  listing.filter.scope = scope;
  ASSIGN_OR_RETURN(const TimeRange range, DecodeTimeRange(request));
  listing.page.range.from = range.from;
  listing.page.range.to = range.to;
  ASSIGN_OR_RETURN(listing.page.page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  listing.page.argument_hash =
      ArgumentHash(fmt::format("{} {}", range.ToString(), listing.filter.ToString()));
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(listing.page.range.after,
                     DecodePageToken(request.page_token(), listing.page.argument_hash));
  }
  return listing;
}

}  // namespace

absl::StatusOr<v1::ListJoinedRowsResponse> ListJoinedRows(const RowStore& store,
                                                          const v1::ListJoinedRowsRequest& request,
                                                          const ListLimits& limits,
                                                          const Matchers& scope,
                                                          const StillWanted& still_wanted) {
  ASSIGN_OR_RETURN(const Listing listing, DecodeRequest(request, scope));
  return FillPage<v1::ListJoinedRowsResponse>(
      listing.page, limits, still_wanted,
      [&store](const RowRange& range, size_t count) { return store.ReadRows(range, count); },
      [&listing](const JoinedRow& row) { return listing.filter.Matches(row); },
      [&listing](const SharedRow& row, v1::ListJoinedRowsResponse& response) {
        EncodeRow(*listing.filter.InScope(row), Operation::kUpsert, response.add_rows());
      });
}

}  // namespace alertjoin
