#include "correlator-service/query/list_alerts.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "correlator-service/codec/alert_codec.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/query/page_token.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/rows/alert_filter.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;

struct Listing {
  AlertFilter filter;
  TimeRange fired;
  // An episode may have begun at any time before it fired within `fired`: the store leaves out most
  // of those that were over.
  PageRequest page;

  bool Wants(const Alert& alert) const {
    return FiredWithin(alert, fired.from, fired.to) && filter.Matches(alert);
  }
};

absl::StatusOr<Listing> DecodeRequest(const v1::ListAlertsRequest& request, const Matchers& scope) {
  Listing listing;
  ASSIGN_OR_RETURN(listing.filter,
                   DecodeAlertFilter(request.filter(), request.state(), request.source()));
  listing.filter.scope = scope;
  ASSIGN_OR_RETURN(listing.fired, DecodeTimeRange(request));
  listing.page.range.to = listing.fired.to;
  listing.page.range.from = listing.fired.from;
  ASSIGN_OR_RETURN(listing.page.page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  listing.page.argument_hash = ArgumentHash(
      fmt::format("ListAlerts {} {}", listing.fired.ToString(), listing.filter.ToString()));
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(listing.page.range.after,
                     DecodePageToken(request.page_token(), listing.page.argument_hash));
  }
  return listing;
}

}  // namespace

absl::StatusOr<v1::ListAlertsResponse> ListAlerts(const RowStore& store,
                                                  const v1::ListAlertsRequest& request,
                                                  const ListLimits& limits, const Matchers& scope,
                                                  const StillWanted& still_wanted) {
  ASSIGN_OR_RETURN(const Listing listing, DecodeRequest(request, scope));
  return FillPage<v1::ListAlertsResponse>(
      listing.page, limits, still_wanted,
      [&store](const RowRange& range, size_t count) { return store.ReadAlerts(range, count); },
      [&listing](const Alert& alert) { return listing.Wants(alert); },
      [](const SharedAlert& alert, v1::ListAlertsResponse& response) {
        EncodeAlert(*alert, Operation::kUpsert, response.add_alerts());
      });
}

}  // namespace alertjoin
