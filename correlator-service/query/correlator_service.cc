#include "correlator-service/query/correlator_service.h"

#include "correlator-service/query/alert_context.h"
#include "correlator-service/query/list_alerts.h"
#include "correlator-service/query/list_joined_rows.h"
#include "correlator-service/query/list_samples.h"
#include "correlator-service/query/list_series.h"
#include "correlator-service/query/list_sources.h"
#include "correlator-service/query/look_up_as_of.h"
#include "correlator-service/query/summarize_alerts.h"
#include "correlator-service/query/summarize_samples.h"
#include "correlator-service/subscribe/subscription_reactor.h"

namespace alertjoin {

CorrelatorServiceImpl::CorrelatorServiceImpl(RowStore& store, TableAccess& tables,
                                             SampleReaders& samples, SubscriptionHub& hub,
                                             const Clock& clock, SubscriptionOptions options)
    : store_(store),
      tables_(tables),
      samples_(samples),
      hub_(hub),
      clock_(clock),
      options_(options) {}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeJoinedRows(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return SubscriptionReactor::StartRows(context, *request, hub_, store_, clock_, options_);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeAlerts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return SubscriptionReactor::StartAlerts(context, *request, hub_, store_, clock_, options_);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeSamples(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return SubscriptionReactor::StartSamples(context, *request, hub_, store_, samples_, clock_,
                                           options_);
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListJoinedRows(
    grpc::CallbackServerContext* context, const v1::ListJoinedRowsRequest* request,
    v1::ListJoinedRowsResponse* response) {
  return calls_.Serve<v1::ListJoinedRowsRequest, v1::ListJoinedRowsResponse>(
      context, request, response, [this](const v1::ListJoinedRowsRequest& asked) {
        return alertjoin::ListJoinedRows(store_, asked);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListAlerts(grpc::CallbackServerContext* context,
                                                            const v1::ListAlertsRequest* request,
                                                            v1::ListAlertsResponse* response) {
  return calls_.Serve<v1::ListAlertsRequest, v1::ListAlertsResponse>(
      context, request, response,
      [this](const v1::ListAlertsRequest& asked) { return alertjoin::ListAlerts(store_, asked); });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::SummarizeAlerts(
    grpc::CallbackServerContext* context, const v1::SummarizeAlertsRequest* request,
    v1::SummarizeAlertsResponse* response) {
  return calls_.Serve<v1::SummarizeAlertsRequest, v1::SummarizeAlertsResponse>(
      context, request, response, [this](const v1::SummarizeAlertsRequest& asked) {
        return alertjoin::SummarizeAlerts(store_, asked, clock_.Now());
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSamples(grpc::CallbackServerContext* context,
                                                             const v1::ListSamplesRequest* request,
                                                             v1::ListSamplesResponse* response) {
  return calls_.Serve<v1::ListSamplesRequest, v1::ListSamplesResponse>(
      context, request, response, [this](const v1::ListSamplesRequest& asked) {
        return alertjoin::ListSamples(tables_, asked);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSeries(grpc::CallbackServerContext* context,
                                                            const v1::ListSeriesRequest* request,
                                                            v1::ListSeriesResponse* response) {
  return calls_.Serve<v1::ListSeriesRequest, v1::ListSeriesResponse>(
      context, request, response,
      [this](const v1::ListSeriesRequest& asked) { return alertjoin::ListSeries(tables_, asked); });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListQueries(grpc::CallbackServerContext* context,
                                                             const v1::ListQueriesRequest* request,
                                                             v1::ListQueriesResponse* response) {
  return calls_.Serve<v1::ListQueriesRequest, v1::ListQueriesResponse>(
      context, request, response, [this](const v1::ListQueriesRequest& asked) {
        return alertjoin::ListQueries(tables_, asked);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSources(grpc::CallbackServerContext* context,
                                                             const v1::ListSourcesRequest* request,
                                                             v1::ListSourcesResponse* response) {
  return calls_.Serve<v1::ListSourcesRequest, v1::ListSourcesResponse>(
      context, request, response, [this](const v1::ListSourcesRequest& asked) {
        return alertjoin::ListSources(store_, asked);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::LookUpAsOf(grpc::CallbackServerContext* context,
                                                            const v1::LookUpAsOfRequest* request,
                                                            v1::LookUpAsOfResponse* response) {
  return calls_.Serve<v1::LookUpAsOfRequest, v1::LookUpAsOfResponse>(
      context, request, response, [this](const v1::LookUpAsOfRequest& asked) {
        return alertjoin::LookUpAsOf(tables_, asked, clock_.Now());
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::GetAlertContext(
    grpc::CallbackServerContext* context, const v1::GetAlertContextRequest* request,
    v1::GetAlertContextResponse* response) {
  return calls_.Serve<v1::GetAlertContextRequest, v1::GetAlertContextResponse>(
      context, request, response, [this](const v1::GetAlertContextRequest& asked) {
        return alertjoin::GetAlertContext(tables_, store_, asked);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::SummarizeSamples(
    grpc::CallbackServerContext* context, const v1::SummarizeSamplesRequest* request,
    v1::SummarizeSamplesResponse* response) {
  return calls_.Serve<v1::SummarizeSamplesRequest, v1::SummarizeSamplesResponse>(
      context, request, response, [this](const v1::SummarizeSamplesRequest& asked) {
        return alertjoin::SummarizeSamples(tables_, asked, clock_.Now());
      });
}

}  // namespace alertjoin
