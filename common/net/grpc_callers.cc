#include "common/net/grpc_callers.h"

#include <openssl/rand.h>

#include <string_view>

#include "absl/strings/escaping.h"
#include "common/access/access_control.h"
#include "common/net/grpc_access.h"
#include "common/status/error_reason.h"

namespace alertjoin {
namespace {

constexpr size_t kPassBytes = 32;

std::string MakePass() {
  std::string bytes(kPassBytes, '\0');
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                   static_cast<int>(bytes.size())) == 1);
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
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

void GrpcCallers::SetAccess(std::shared_ptr<AccessControl> access) {
  MutexLock lock(mutex_);
  access_ = std::move(access);
}

absl::StatusOr<SharedAdmission> GrpcCallers::Admit(const grpc::CallbackServerContext& context,
                                                   std::string_view method) {
  std::shared_ptr<AccessControl> access;
  {
    MutexLock lock(mutex_);
    const auto passed = passes_.find(OnlyValue(context, kPassKey));
    if (passed != passes_.end()) return passed->second;
    access = access_;
  }
  if (access == nullptr) return SharedAdmission();
  std::string certificate_name;
  if (ChecksCertificates(*access)) certificate_name = CertificateNameOf(*context.auth_context());
  AccessControl::Verdict verdict =
      access->CheckRpc(method, {OnlyValue(context, "authorization"), certificate_name});
  if (verdict.outcome == AccessControl::Verdict::Outcome::kBusy) {
    return MakeError("TOO_MANY_CALLS", verdict.message);
  }
  if (verdict.outcome != AccessControl::Verdict::Outcome::kAllowed) {
    return MakeError("CREDENTIALS_REVOKED", verdict.message);
  }
  return std::move(verdict.admission);
}

}  // namespace alertjoin
