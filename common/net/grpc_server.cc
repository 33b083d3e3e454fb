#include "common/net/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/access/access_control.h"
#include "common/net/grpc_access.h"
#include "common/net/grpc_callers.h"
#include "common/net/grpc_metrics.h"
#include "common/net/grpc_status.h"
#include "common/net/listener_rule.h"
#include "common/status/status.h"
#include "grpc/health/v1/health.pb.h"

namespace alertjoin {
namespace {

constexpr int kKeepaliveTimeMs = static_cast<int>(kGrpcKeepaliveTime.count());
constexpr int kKeepaliveTimeoutMs = static_cast<int>(kGrpcKeepaliveTimeout.count());
// The server takes pings this often.
constexpr int kPingIntervalMinMs = 5'000;
static_assert(kGrpcKeepaliveTime + kGrpcKeepaliveTimeout <= kGrpcSilenceMax - Millis(5'000),
              "leaves no margin for a machine with other work");
static_assert(kPingIntervalMinMs * 2 <= kKeepaliveTimeMs,
              "a client that keeps its time would be punished with too_many_pings");
constexpr int kStreamsPerConnectionMax = 100;
constexpr int kMetadataBytesMax = 8 << 10;
constexpr size_t kServerMemoryBytesMax = 512 << 20;
constexpr int kConnectionAgeGraceMs = 5 * 60 * 1000;

constexpr int kClientReceiveBytesMax = 16 << 20;
constexpr int kConnectTimeoutMs = 5'000;
constexpr int kReconnectInitialMs = 100;
constexpr int kReconnectMaxMs = 2'000;

// Both register themselves with every builder that is made afterwards.
void RegisterReflectionAndHealth() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::EnableDefaultHealthCheckService(true);
    // Has the linker keep the description of the health service, which reflection gives out.
    grpc::health::v1::HealthCheckRequest::descriptor();
  });
}

// Takes the calls of methods that no service has, so that they are counted as all others.
class UnknownMethods final : public grpc::CallbackGenericService {
 public:
  // `callers` may be null.
  explicit UnknownMethods(GrpcCallers* callers) : callers_(callers) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    class Refusal final : public grpc::ServerGenericBidiReactor {
     public:
      explicit Refusal(const grpc::Status& status) { Finish(status); }
      void OnDone() override { delete this; }
    };
    // A stranger is not told what there is.
    if (callers_ != nullptr) {
      const auto caller = callers_->Admit(*context, context->method());
      if (!caller.ok()) return new Refusal(ToGrpcStatus(caller.status()));
    }
    return new Refusal({grpc::StatusCode::UNIMPLEMENTED, "the server has no such method"});
  }

 private:
  GrpcCallers* const callers_;
};

// Has a server own what it takes only a pointer to: factories live as long as it does.
class UnknownMethodsOwner final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit UnknownMethodsOwner(GrpcCallers* callers) : methods_(callers) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo*) override {
    return nullptr;
  }
  UnknownMethods* get() { return &methods_; }

 private:
  UnknownMethods methods_;
};

// Has every call counted, whatever it asks for.
void CountCalls(std::shared_ptr<const GrpcMetrics> metrics, GrpcCallers* callers,
                grpc::ServerBuilder* builder) {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(CountGrpcCalls(std::move(metrics)));
  auto unknown = std::make_unique<UnknownMethodsOwner>(callers);
  builder->RegisterCallbackGenericService(unknown->get());
  creators.push_back(std::move(unknown));
  builder->experimental().SetInterceptorCreators(std::move(creators));
}

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(options.receive_bytes_max);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->SetResourceQuota(grpc::ResourceQuota("alertjoin").Resize(kServerMemoryBytesMax));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kPingIntervalMinMs);
  if (options.connection_age_max > Millis(0)) {
    builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                                static_cast<int>(options.connection_age_max.count()));
    builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
  }
}

}  // namespace

absl::StatusOr<RunningGrpcServer> StartGrpcServer(const GrpcServerOptions& options) {
  const auto tls = options.access == nullptr ? nullptr : options.access->state()->tls;
  // What this version's parser of headers has of holes is closed to those without a certificate.
  RETURN_IF_ERROR(CheckListener(
      {.name = "gRPC",
       .flag = "--grpc.config.file",
       .tls = tls != nullptr,
       .needs_client_certificates = true,
       .client_certificates =
           tls != nullptr && tls->options.client_auth == ClientAuth::kRequireAndVerifyClientCert,
       .insecure = options.insecure},
      options.listen_address));
  RegisterReflectionAndHealth();
  RunningGrpcServer running;
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  std::shared_ptr<const GrpcMetrics> metrics;
  if (options.registry != nullptr) {
    metrics = std::make_shared<const GrpcMetrics>(*options.registry);
    CountCalls(metrics, options.callers, &builder);
  }
  if (options.callers != nullptr) options.callers->SetAccess(options.access);
  if (tls != nullptr) credentials = GrpcCredentialsOf(options.access, metrics, options.callers);
  builder.AddListeningPort(options.listen_address, credentials, &running.port);
  for (grpc::Service* service : options.services) builder.RegisterService(service);
  SetLimits(options, &builder);
  running.server = builder.BuildAndStart();
  if (running.server == nullptr || running.port == 0) {
    return absl::UnavailableError(fmt::format(
        "gRPC server: cannot listen on {}: the port is taken, or the address is none of this "
        "machine: stop the other process or choose another address",
        options.listen_address));
  }
  auto* health = running.server->GetHealthCheckService();
  for (const std::string& name : options.service_names) health->SetServingStatus(name, true);
  return running;
}

std::shared_ptr<grpc::Channel> MakeInProcessChannel(grpc::Server& server) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kClientReceiveBytesMax);
  return server.InProcessChannel(arguments);
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  return MakeChannel(address, grpc::InsecureChannelCredentials(), "");
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const std::string& server_name) {
  grpc::ChannelArguments arguments;
  if (!server_name.empty()) arguments.SetSslTargetNameOverride(server_name);
  arguments.SetMaxReceiveMessageSize(kClientReceiveBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The least time that an attempt to connect is given.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectInitialMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMs);
  return grpc::CreateCustomChannel(address, credentials, arguments);
}

}  // namespace alertjoin
