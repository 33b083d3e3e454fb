#include "common/net/grpc_access.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "common/net/memory_file.h"

namespace alertjoin {
namespace {

// The library looks at the files this often.
constexpr unsigned int kRefreshSeconds = 1;

std::string PairOf(const TlsServerMaterial& material) {
  return material.key_pem.Reveal() + "\n" + material.chain_pem;
}

grpc_ssl_client_certificate_request_type RequestOf(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kNoClientCert:
      return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    case ClientAuth::kRequestClientCert:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY;
    case ClientAuth::kRequireAnyClientCert:
      return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY;
    case ClientAuth::kVerifyClientCertIfGiven:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientAuth::kRequireAndVerifyClientCert:
      break;
  }
  return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
}

// Asks the access control before each call. The library has no way to refuse with more than code
// and message from here, so services that can do better do it themselves.
class AccessProcessor final : public grpc::AuthMetadataProcessor {
 public:
  AccessProcessor(std::shared_ptr<AccessControl> access, std::shared_ptr<const GrpcMetrics> metrics,
                  const GrpcCallers* callers, bool checks_certificates)
      : access_(std::move(access)),
        metrics_(std::move(metrics)),
        callers_(callers),
        checks_certificates_(checks_certificates) {}

  // Passwords take their time.
  bool IsBlocking() const override { return !access_->state()->config.users.empty(); }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata*) override {
    const auto path = metadata.find(":path");
    if (path == metadata.end()) return {grpc::StatusCode::INTERNAL, "the call has no method"};
    const std::string_view method(path->second.data(), path->second.size());
    if (callers_ != nullptr && callers_->KeepsDoorOf(method)) {
      // On this thread, which may wait.
      if (const auto found = metadata.find("authorization"); found != metadata.end()) {
        access_->Prepare({{found->second.data(), found->second.size()}, ""});
      }
      return grpc::Status::OK;
    }
    const auto arrived = std::chrono::steady_clock::now();
    grpc::Status status = Check(method, metadata, context);
    // All others come to a service, where they are counted.
    if (!status.ok() && metrics_ != nullptr) {
      GrpcMetrics::Call(*metrics_, method, arrived).End(status.error_code());
    }
    return status;
  }

 private:
  grpc::Status Check(std::string_view method, const InputMetadata& metadata,
                     const grpc::AuthContext* context) {
    using Outcome = AccessControl::Verdict::Outcome;
    std::string authorization;
    if (metadata.count("authorization") > 1) {
      return {grpc::StatusCode::UNAUTHENTICATED, "authorization is given more than once"};
    }
    if (const auto found = metadata.find("authorization"); found != metadata.end()) {
      authorization.assign(found->second.data(), found->second.size());
    }
    PeerCertificate certificate;
    if (checks_certificates_) certificate = CertificateOf(*context);
    const AccessControl::Verdict verdict =
        access_->CheckRpc(method, {authorization, certificate.name, certificate.chain});
    switch (verdict.outcome) {
      case Outcome::kAllowed:
        return grpc::Status::OK;
      case Outcome::kUnknown:
        return {grpc::StatusCode::UNAUTHENTICATED, verdict.message};
      case Outcome::kDenied:
        return {grpc::StatusCode::PERMISSION_DENIED, verdict.message};
      case Outcome::kBusy:
        break;
    }
    return {grpc::StatusCode::UNAVAILABLE, verdict.message};
  }

  const std::shared_ptr<AccessControl> access_;
  const std::shared_ptr<const GrpcMetrics> metrics_;
  const GrpcCallers* const callers_;  // Null: no service keeps its own door.
  const bool checks_certificates_;
};

// What the library reads. Key and certificates are one file, so that they are exchanged together.
struct ReadFiles {
  explicit ReadFiles(const TlsServerMaterial& material)
      : pair(PairOf(material)), client_authorities(material.client_ca_pem) {}

  MemoryFile pair;
  MemoryFile client_authorities;
};

}  // namespace

bool ChecksCertificates(const AccessControl& access) {
  const auto material = access.state()->tls;
  return material != nullptr && !material->client_ca_pem.empty();
}

PeerCertificate CertificateOf(const grpc::AuthContext& context) {
  PeerCertificate certificate;
  const auto names = context.FindPropertyValues("x509_common_name");
  if (names.size() == 1) certificate.name.assign(names[0].data(), names[0].size());
  // The library keeps a server's peer apart from what came with it.
  for (const char* const property : {"x509_pem_cert", "x509_pem_cert_chain"}) {
    for (const grpc::string_ref& pem : context.FindPropertyValues(property)) {
      certificate.chain.append(pem.data(), pem.size());
    }
  }
  return certificate;
}

std::shared_ptr<grpc::ServerCredentials> GrpcCredentialsOf(
    std::shared_ptr<AccessControl> access, std::shared_ptr<const GrpcMetrics> metrics,
    const GrpcCallers* callers) {
  using grpc::experimental::FileWatcherCertificateProvider;
  const auto material = access->state()->tls;
  const bool checks = ChecksCertificates(*access);
  const auto files = std::make_shared<ReadFiles>(*material);
  const std::string pair = files->pair.path();
  const auto provider =
      checks ? std::make_shared<FileWatcherCertificateProvider>(
                   pair, pair, files->client_authorities.path(), kRefreshSeconds)
             : std::make_shared<FileWatcherCertificateProvider>(pair, pair, kRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (checks) options.watch_root_certs();
  options.set_cert_request_type(RequestOf(material->options.client_auth));
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  access->Start([files](const TlsServerMaterial& changed) {
    files->pair.Replace(PairOf(changed));
    files->client_authorities.Replace(changed.client_ca_pem);
  });
  credentials->SetAuthMetadataProcessor(
      std::make_shared<AccessProcessor>(std::move(access), std::move(metrics), callers, checks));
  return credentials;
}

}  // namespace alertjoin
