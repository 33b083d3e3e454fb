#pragma once

#include <grpcpp/server_context.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "common/access/admission.h"
#include "common/sync/mutex.h"

namespace alertjoin {

class AccessControl;

// Who makes a gRPC call, and whether he may: for services that keep their own door, since only they
// can refuse with all that programs want to know (ErrorInfo), and that ask again while a stream
// lives. What another listener of this process let in, and passes on over a channel in memory,
// comes with a pass that nobody else can know. Thread-safe.
class GrpcCallers {
 public:
  // The service ("alertjoin.v1.IngestService") asks Admit at the begin of each call, whatever the
  // method, and ends it with what that gives if it is not OK. Its calls come to it unasked; those
  // of all other services are refused before (grpc_access.h).
  void KeepsDoor(std::string_view service) EXCLUDES_LOCK(mutex_);
  // Whether the method is of such a service, or would be.
  bool KeepsDoorOf(std::string_view method) const EXCLUDES_LOCK(mutex_);

  // `access` is the gRPC server's, which sets it (grpc_server.h); null: it lets everyone do
  // everything.
  void SetAccess(std::shared_ptr<AccessControl> access) EXCLUDES_LOCK(mutex_);

  // A caller whom this process has admitted elsewhere. To be kept until its call has ended. Empty
  // by default. Must not outlive the callers that it is of.
  class Pass {
   public:
    Pass() = default;
    Pass(GrpcCallers& callers, SharedAdmission admission);
    Pass(Pass&& other) noexcept { *this = std::move(other); }
    Pass& operator=(Pass&& other) noexcept;
    ~Pass() { Return(); }

    // What the call's metadata must have under kPassKey.
    const std::string& text() const { return text_; }

   private:
    void Return();
    GrpcCallers* callers_ = nullptr;
    std::string text_;
  };
  static constexpr char kPassKey[] = "alertjoin-pass";

  // What lets the call of the method ("/package.Service/Method") in; null: everyone may. Does not
  // block. UNAUTHENTICATED, reasons CREDENTIALS_MISSING, CREDENTIALS_UNKNOWN and
  // CREDENTIALS_REVOKED (an authority that is no longer trusted); PERMISSION_DENIED, reasons
  // ROLE_MISSING, NOT_FILTERABLE and METHOD_NOT_ALLOWED; UNAVAILABLE, reason TOO_MANY_PASSWORDS.
  // Refusals are counted and logged by the access control.
  absl::StatusOr<SharedAdmission> Admit(const grpc::CallbackServerContext& context,
                                        std::string_view method) EXCLUDES_LOCK(mutex_);

 private:
  mutable Mutex mutex_;
  std::set<std::string, std::less<>> services_ GUARDED_BY(mutex_);  // That keep their door.
  std::shared_ptr<AccessControl> access_ GUARDED_BY(mutex_);
  std::map<std::string, SharedAdmission, std::less<>> passes_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
