#include "common/net/grpc_callers.h"

#include <openssl/rand.h>

#include <optional>
#include <string_view>

#include "absl/strings/escaping.h"
#include "common/access/access_control.h"
#include "common/net/grpc_access.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kPassBytes = 32;

std::string MakePass() {
  std::string bytes(kPassBytes, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                   static_cast<int>(bytes.size())) == 1);
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

absl::Status RefusalOf(const AccessControl::Verdict& verdict) {
  using Outcome = AccessControl::Verdict::Outcome;
  if (verdict.outcome == Outcome::kBusy) return MakeError("TOO_MANY_PASSWORDS", verdict.message);
  if (verdict.reason == "certificate_revoked") {
    return MakeError("CREDENTIALS_REVOKED", verdict.message);
  }
  if (verdict.outcome == Outcome::kUnknown) {
    return MakeError(verdict.reason == "no_credentials" ? KnownReason("CREDENTIALS_MISSING")
                                                        : KnownReason("CREDENTIALS_UNKNOWN"),
                     verdict.message);
  }
  return MakeError(verdict.reason == "role_lacks" ? KnownReason("ROLE_MISSING")
                   : verdict.reason == "filtered" ? KnownReason("NOT_FILTERABLE")
                                                  : KnownReason("METHOD_NOT_ALLOWED"),
                   verdict.message);
}

// The only value under the key; "" when there is none, or more than one.
std::string_view OnlyValue(const grpc::CallbackServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  if (metadata.count(key) != 1) return {};
  const auto found = metadata.find(key);
  return {found->second.data(), found->second.size()};
}

}  // namespace

GrpcCallers::Pass::Pass(GrpcCallers& callers, SharedAdmission admission)
    : callers_(&callers), text_(MakePass()) {
  MutexLock lock(callers.mutex_);
  callers.passes_.emplace(text_, std::move(admission));
}

GrpcCallers::Pass& GrpcCallers::Pass::operator=(Pass&& other) noexcept {
  if (this == &other) return *this;
  Return();
  callers_ = std::exchange(other.callers_, nullptr);
  text_ = std::exchange(other.text_, {});
  return *this;
}

void GrpcCallers::Pass::Return() {
  if (callers_ == nullptr) return;
  MutexLock lock(callers_->mutex_);
  callers_->passes_.erase(text_);
}

void GrpcCallers::KeepsDoor(std::string_view service) {
  MutexLock lock(mutex_);
  services_.emplace(service);
}

bool GrpcCallers::KeepsDoorOf(std::string_view method) const {
  if (!method.starts_with('/')) return false;
  const std::string_view service = method.substr(1, method.rfind('/') - 1);
  MutexLock lock(mutex_);
  return services_.find(service) != services_.end();
}

void GrpcCallers::SetAccess(std::shared_ptr<AccessControl> access) {
  MutexLock lock(mutex_);
  access_ = std::move(access);
}

absl::StatusOr<SharedAdmission> GrpcCallers::Admit(const grpc::CallbackServerContext& context,
                                                   std::string_view method) {
  std::shared_ptr<AccessControl> access;
  std::optional<SharedAdmission> passed;
  {
    MutexLock lock(mutex_);
    const auto pass = passes_.find(OnlyValue(context, kPassKey));
    if (pass != passes_.end()) passed = pass->second;
    access = access_;
  }
  if (passed.has_value()) {
    // A table of many pages takes as long as its reader likes.
    RETURN_IF_ERROR(CheckAdmission(*passed));
    return *passed;
  }
  if (access == nullptr) return SharedAdmission();
  if (context.client_metadata().count("authorization") > 1) {
    return MakeError("CREDENTIALS_UNKNOWN", "authorization is given more than once");
  }
  PeerCertificate certificate;
  if (ChecksCertificates(*access)) certificate = CertificateOf(*context.auth_context());
  AccessControl::Verdict verdict =
      access->CheckRpc(method, {.authorization = OnlyValue(context, "authorization"),
                                .certificate_name = certificate.name,
                                .certificate_chain = certificate.chain,
                                .may_wait = false});
  if (verdict.outcome != AccessControl::Verdict::Outcome::kAllowed) return RefusalOf(verdict);
  return std::move(verdict.admission);
}

}  // namespace alertjoin
