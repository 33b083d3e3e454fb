#include "common/net/grpc_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <utility>

#include "absl/status/status.h"
#include "common/access/access_table.h"
#include "common/metrics/metric_families.h"

namespace alertjoin {
namespace {

// From a look-up in memory to a stream that is open for a day.
const prometheus::Histogram::BucketBoundaries kDurationBuckets = {
    0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600, 86400};

// Ends with the status that the service gives.
class CallObserver final : public grpc::experimental::Interceptor {
 public:
  CallObserver(std::shared_ptr<const GrpcMetrics> metrics, const char* method)
      : metrics_(std::move(metrics)), call_(*metrics_, method) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using grpc::experimental::InterceptionHookPoints;
    // Before it is sent, so that who has the answer finds it counted.
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      call_.End(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  const std::shared_ptr<const GrpcMetrics> metrics_;
  GrpcMetrics::Call call_;
};

class ObserverFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit ObserverFactory(std::shared_ptr<const GrpcMetrics> metrics)
      : metrics_(std::move(metrics)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new CallObserver(metrics_, info->method());
  }

 private:
  const std::shared_ptr<const GrpcMetrics> metrics_;
};

}  // namespace

GrpcMetrics::GrpcMetrics(prometheus::Registry& registry)
    : requests_total_(CounterFamily(registry, "alertjoin_grpc_requests_total",
                                    "gRPC calls that have ended, by method and status code.")),
      in_progress_(GaugeFamily(registry, "alertjoin_grpc_requests_in_progress",
                               "gRPC calls that have begun and not ended: streams, most of all.")),
      duration_seconds_(HistogramFamily(registry, "alertjoin_grpc_request_duration_seconds",
                                        "Time from the arrival of a gRPC call to its end.")) {}

std::string GrpcMetrics::LabelOf(std::string_view method) {
  if (!AccessOfRpc(method).has_value()) return "other";
  return std::string(method.substr(method.rfind('/') + 1));
}

GrpcMetrics::Call::Call(const GrpcMetrics& metrics, std::string_view method,
                        std::chrono::steady_clock::time_point arrived)
    : metrics_(metrics), label_(LabelOf(method)), arrived_(arrived) {
  metrics_.in_progress_.Add({{"method", label_}}).Increment();
}

GrpcMetrics::Call::~Call() { End(grpc::StatusCode::CANCELLED); }

void GrpcMetrics::Call::End(grpc::StatusCode code) {
  if (std::exchange(ended_, true)) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - arrived_;
  // Both libraries use the canonical codes, with the same numbers.
  const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
  metrics_.requests_total_.Add({{"method", label_}, {"code", name.empty() ? "UNKNOWN" : name}})
      .Increment();
  metrics_.duration_seconds_.Add({{"method", label_}}, kDurationBuckets).Observe(elapsed.count());
  metrics_.in_progress_.Add({{"method", label_}}).Decrement();
}

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountGrpcCalls(
    std::shared_ptr<const GrpcMetrics> metrics) {
  return std::make_unique<ObserverFactory>(std::move(metrics));
}

}  // namespace alertjoin
