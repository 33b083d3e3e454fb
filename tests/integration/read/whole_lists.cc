#include "tests/integration/read/whole_lists.h"

#include <stdexcept>

namespace alertjoin {
namespace {

// Small, so that there are many pages.
constexpr int kPageSize = 7;

// Makes one call after the other until there is no next page, and gives each page to `take`.
template <typename Response, typename Request, typename Call, typename Take>
void ForEachPage(Request request, Call call, Take take) {
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kRecordingDeadline);
    Response page;
    const grpc::Status status = call(&context, request, &page);
    Require(status.ok(), status.error_message());
    take(page);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
}

}  // namespace

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

std::vector<v1::JoinedRow> ListAll(v1::CorrelatorService::Stub& stub,
                                   const v1::SubscribeJoinedRowsRequest& filter,
                                   uint64_t* sequence) {
  v1::ListJoinedRowsRequest request;
  request.set_filter(filter.filter());
  request.set_state(filter.state());
  request.set_final_only(filter.final_only());
  request.set_page_size(kPageSize);
  std::vector<v1::JoinedRow> rows;
  ForEachPage<v1::ListJoinedRowsResponse>(
      request, [&stub](auto&&... call) { return stub.ListJoinedRows(call...); },
      [&](const v1::ListJoinedRowsResponse& page) {
        rows.insert(rows.end(), page.rows().begin(), page.rows().end());
        *sequence = page.sequence();
      });
  return rows;
}

std::vector<v1::Alert> ListAll(v1::CorrelatorService::Stub& stub,
                               const v1::SubscribeAlertsRequest& filter, uint64_t* sequence) {
  v1::ListAlertsRequest request;
  request.set_filter(filter.filter());
  request.set_state(filter.state());
  request.set_page_size(kPageSize);
  std::vector<v1::Alert> alerts;
  ForEachPage<v1::ListAlertsResponse>(
      request, [&stub](auto&&... call) { return stub.ListAlerts(call...); },
      [&](const v1::ListAlertsResponse& page) {
        alerts.insert(alerts.end(), page.alerts().begin(), page.alerts().end());
        *sequence = page.sequence();
      });
  return alerts;
}

std::vector<v1::SeriesSamples> ListAllSamples(v1::CorrelatorService::Stub& stub) {
  std::vector<v1::SeriesSamples> samples;
  ForEachPage<v1::ListSamplesResponse>(
      v1::ListSamplesRequest(), [&stub](auto&&... call) { return stub.ListSamples(call...); },
      [&](const v1::ListSamplesResponse& page) {
        samples.insert(samples.end(), page.series().begin(), page.series().end());
      });
  return samples;
}

}  // namespace alertjoin
