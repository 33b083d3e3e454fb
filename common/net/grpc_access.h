#pragma once

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "common/access/access_control.h"
#include "common/net/grpc_callers.h"
#include "common/net/grpc_metrics.h"

namespace alertjoin {

// Credentials that put an access control before a gRPC server: its certificates, which are
// exchanged while the server runs (within two seconds of their change), and its word on each call
// before any service sees it, but for those of services that keep their own door with `callers`
// (null: there are none, otherwise they must outlive the server). A stream is checked when it
// begins. Starts the access control, which lives as long as the credentials. Calls that it refuses
// are counted by `metrics`; null: they are not. REQUIRES: it has TLS, and has not been started.
std::shared_ptr<grpc::ServerCredentials> GrpcCredentialsOf(
    std::shared_ptr<AccessControl> access, std::shared_ptr<const GrpcMetrics> metrics,
    const GrpcCallers* callers);

// Whether the server behind the access control looks whose certificates they are.
bool ChecksCertificates(const AccessControl& access);
// What the peer has shown, for AccessControl::Caller.
struct PeerCertificate {
  std::string name;   // The common name in it; "" when there is not exactly one.
  std::string chain;  // PEM, its own first.
};
PeerCertificate CertificateOf(const grpc::AuthContext& context);

}  // namespace alertjoin
