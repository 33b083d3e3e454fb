#pragma once

#include <grpcpp/support/server_interceptor.h>
#include <grpcpp/support/status.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace alertjoin {

// Counts and times the calls of a gRPC server: unary ones and streams, those of our services, of
// health and of reflection, and those that are refused before any service sees them. Thread-safe.
// The registry must outlive it and the server.
//
// Metrics: alertjoin_grpc_requests_total{method,code}, alertjoin_grpc_requests_in_progress{method},
// alertjoin_grpc_request_duration_seconds{method}. `method` is the last part of the method's name,
// or "other" for one that the access table does not know, so the labels are bounded.
class GrpcMetrics {
 public:
  explicit GrpcMetrics(prometheus::Registry& registry);

  // `method` is a full name, "/package.Service/Method".
  static std::string LabelOf(std::string_view method);

  // One call, from its arrival to its end.
  class Call {
   public:
    Call(const GrpcMetrics& metrics, std::string_view method,
         std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now());
    // Counts it as cancelled, if it has not ended.
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // It ends with this code. Only the first time counts.
    void End(grpc::StatusCode code);

   private:
    const GrpcMetrics& metrics_;
    const std::string label_;
    const std::chrono::steady_clock::time_point arrived_;
    bool ended_ = false;
  };

 private:
  prometheus::Family<prometheus::Counter>& requests_total_;
  prometheus::Family<prometheus::Gauge>& in_progress_;
  prometheus::Family<prometheus::Histogram>& duration_seconds_;
};

// Has every call that a server hands to a service counted, whatever the service is.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountGrpcCalls(
    std::shared_ptr<const GrpcMetrics> metrics);

}  // namespace alertjoin
