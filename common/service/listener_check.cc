#include "common/service/listener_check.h"

#include "common/net/listener_rule.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::Status Check(ListenerShield shield, const std::string& file, ListenerKind kind,
                   const std::string& listen_address) {
  if (!file.empty()) {
    ASSIGN_OR_RETURN(const auto state, LoadAccess(file, kind, SystemClock().Now()));
    shield.tls = state->tls != nullptr;
    shield.client_certificates =
        shield.tls && state->tls->options.client_auth == ClientAuth::kRequireAndVerifyClientCert;
  }
  return CheckListener(shield, listen_address);
}

absl::StatusOr<std::shared_ptr<AccessControl>> Open(const std::string& file, ListenerKind kind,
                                                    prometheus::Registry& registry) {
  if (file.empty()) return std::shared_ptr<AccessControl>();
  ASSIGN_OR_RETURN(auto access, AccessControl::Open(file, kind, SystemClock(), registry));
  return std::shared_ptr<AccessControl>(std::move(access));
}

}  // namespace

absl::Status CheckHttpListener(const ListenerFlags& flags, const std::string& listen_address) {
  return Check({.name = "HTTP", .flag = "--web.config.file", .insecure = flags.insecure},
               flags.web_config_file, ListenerKind::kHttp, listen_address);
}

absl::Status CheckGrpcListener(const ListenerFlags& flags, const std::string& listen_address) {
  return Check({.name = "gRPC",
                .flag = "--grpc.config.file",
                .needs_client_certificates = true,
                .insecure = flags.insecure},
               flags.grpc_config_file, ListenerKind::kGrpc, listen_address);
}

absl::StatusOr<std::shared_ptr<AccessControl>> OpenHttpAccess(const ListenerFlags& flags,
                                                              prometheus::Registry& registry) {
  return Open(flags.web_config_file, ListenerKind::kHttp, registry);
}

absl::StatusOr<std::shared_ptr<AccessControl>> OpenGrpcAccess(const ListenerFlags& flags,
                                                              prometheus::Registry& registry) {
  return Open(flags.grpc_config_file, ListenerKind::kGrpc, registry);
}

}  // namespace alertjoin
