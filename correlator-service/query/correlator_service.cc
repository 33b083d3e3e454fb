#include "correlator-service/query/correlator_service.h"

#include <fmt/format.h>

#include <string>
#include <type_traits>
#include <utility>

#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
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
namespace {

// The answer of what takes no scope to those who may see a part: so no new method is open to them.
absl::Status NotFilterable() {
  return MakeError("NOT_FILTERABLE",
                   "this cannot be answered in part, and the identity has a filter (identities)");
}

}  // namespace

CorrelatorServiceImpl::CorrelatorServiceImpl(RowStore& store, TableAccess& tables,
                                             SampleReaders& samples, SubscriptionHub& hub,
                                             const Clock& clock, SubscriptionOptions options,
                                             GrpcCallers* callers)
    : store_(store),
      tables_(tables),
      samples_(samples),
      hub_(hub),
      clock_(clock),
      options_(std::move(options)),
      callers_(callers) {
  if (callers_ != nullptr) callers_->KeepsDoor(v1::CorrelatorService::service_full_name());
}

absl::StatusOr<SharedAdmission> CorrelatorServiceImpl::Admit(
    const grpc::CallbackServerContext& context, const std::string& method) {
  if (callers_ == nullptr) return SharedAdmission();
  return callers_->Admit(context,
                         fmt::format("/{}/{}", v1::CorrelatorService::service_full_name(), method));
}

std::shared_ptr<WantedTables> CorrelatorServiceImpl::TablesFor(
    const grpc::CallbackServerContext& context) {
  return std::make_shared<WantedTables>(tables_, UnaryCalls::WantedBy(context));
}

template <typename Request, typename Answer>
grpc::ServerUnaryReactor* CorrelatorServiceImpl::Serve(grpc::CallbackServerContext* context,
                                                       const std::string& method,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response, Answer answer) {
  const auto caller = Admit(*context, method);
  if (!caller.ok()) {
    // At once: strangers take no place among the calls that wait for their turn.
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  return calls_.Serve(
      context, request, response,
      [scope = *caller == nullptr ? Matchers() : (*caller)->filter(), answer = std::move(answer)](
          const grpc::ByteBuffer& bytes) -> absl::StatusOr<grpc::ByteBuffer> {
        Request asked;
        RETURN_IF_ERROR(ParseRequest(bytes, &asked));
        if constexpr (std::is_invocable_v<const Answer&, const Request&, const Matchers&>) {
          ASSIGN_OR_RETURN(const auto answered, answer(asked, scope));
          return ToBytes(answered);
        } else {
          if (!scope.empty()) return NotFilterable();
          ASSIGN_OR_RETURN(const auto answered, answer(asked));
          return ToBytes(answered);
        }
      });
}

template <typename Start>
grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::Subscribe(
    grpc::CallbackServerContext* context, const std::string& method, Start start) {
  const auto caller = Admit(*context, method);
  if (!caller.ok()) return SubscriptionReactor::Refuse(context, hub_, caller.status());
  SubscriptionOptions options = options_;
  if (*caller != nullptr) {
    options.permit = [caller = *caller](const ErrorDetail& detail) {
      return caller->Check(detail);
    };
    options.scope = (*caller)->filter();
  }
  return start(std::move(options));
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeJoinedRows(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return Subscribe(context, "SubscribeJoinedRows", [&](SubscriptionOptions options) {
    return SubscriptionReactor::StartRows(context, *request, hub_, store_, clock_,
                                          std::move(options));
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeAlerts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return Subscribe(context, "SubscribeAlerts", [&](SubscriptionOptions options) {
    return SubscriptionReactor::StartAlerts(context, *request, hub_, store_, clock_,
                                            std::move(options));
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* CorrelatorServiceImpl::SubscribeSamples(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return Subscribe(context, "SubscribeSamples", [&](SubscriptionOptions options) {
    return SubscriptionReactor::StartSamples(context, *request, hub_, store_, samples_, clock_,
                                             std::move(options));
  });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListJoinedRows(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Serve<v1::ListJoinedRowsRequest>(
      context, "ListJoinedRows", request, response,
      [this, wanted = UnaryCalls::WantedBy(*context)](const v1::ListJoinedRowsRequest& asked,
                                                      const Matchers& scope) {
        return alertjoin::ListJoinedRows(store_, asked, {}, scope, wanted);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListAlerts(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return Serve<v1::ListAlertsRequest>(
      context, "ListAlerts", request, response,
      [this, wanted = UnaryCalls::WantedBy(*context)](const v1::ListAlertsRequest& asked,
                                                      const Matchers& scope) {
        return alertjoin::ListAlerts(store_, asked, {}, scope, wanted);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::SummarizeAlerts(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Serve<v1::SummarizeAlertsRequest>(
      context, "SummarizeAlerts", request, response,
      [this, wanted = UnaryCalls::WantedBy(*context)](const v1::SummarizeAlertsRequest& asked,
                                                      const Matchers& scope) {
        return alertjoin::SummarizeAlerts(store_, asked, clock_.Now(), {}, scope, wanted);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSamples(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return Serve<v1::ListSamplesRequest>(
      context, "ListSamples", request, response,
      [tables = TablesFor(*context)](const v1::ListSamplesRequest& asked, const Matchers& scope) {
        return alertjoin::ListSamples(*tables, asked, {}, scope);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSeries(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return Serve<v1::ListSeriesRequest>(
      context, "ListSeries", request, response,
      [tables = TablesFor(*context)](const v1::ListSeriesRequest& asked, const Matchers& scope) {
        return alertjoin::ListSeries(*tables, asked, {}, scope);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListQueries(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return Serve<v1::ListQueriesRequest>(
      context, "ListQueries", request, response,
      [tables = TablesFor(*context)](const v1::ListQueriesRequest& asked, const Matchers& scope) {
        return alertjoin::ListQueries(*tables, asked, {}, scope);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::ListSources(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  return Serve<v1::ListSourcesRequest>(context, "ListSources", request, response,
                                       [this](const v1::ListSourcesRequest& asked) {
                                         return alertjoin::ListSources(store_, asked);
                                       });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::LookUpAsOf(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  return Serve<v1::LookUpAsOfRequest>(
      context, "LookUpAsOf", request, response,
      [this, tables = TablesFor(*context)](const v1::LookUpAsOfRequest& asked,
                                           const Matchers& scope) {
        return alertjoin::LookUpAsOf(*tables, asked, clock_.Now(), {}, scope);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::GetAlertContext(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Serve<v1::GetAlertContextRequest>(
      context, "GetAlertContext", request, response,
      [this, tables = TablesFor(*context), wanted = UnaryCalls::WantedBy(*context)](
          const v1::GetAlertContextRequest& asked, const Matchers& scope) {
        return alertjoin::GetAlertContext(*tables, store_, asked, scope, wanted);
      });
}

grpc::ServerUnaryReactor* CorrelatorServiceImpl::SummarizeSamples(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  return Serve<v1::SummarizeSamplesRequest>(
      context, "SummarizeSamples", request, response,
      [this, tables = TablesFor(*context)](const v1::SummarizeSamplesRequest& asked,
                                           const Matchers& scope) {
        return alertjoin::SummarizeSamples(*tables, asked, clock_.Now(), {}, scope);
      });
}

}  // namespace alertjoin
