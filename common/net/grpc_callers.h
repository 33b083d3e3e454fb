#pragma once

#include <grpcpp/server_context.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/access/admission.h"
#include "common/sync/mutex.h"

namespace alertjoin {

class AccessControl;

// Who makes a gRPC call, for the services behind the door, which ask again while a stream lives.
// What another listener of this process let in, and passes on over a channel in memory, comes with
// a pass that nobody else can know. Thread-safe.
class GrpcCallers {
 public:
  // `access` is the gRPC server's; null: it lets everyone do everything.
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

  // What lets the call of the method ("/package.Service/Method") in; null: everyone may. It was let
  // through already, so this fails only if that has changed within the moment: UNAUTHENTICATED,
  // reason CREDENTIALS_REVOKED.
  absl::StatusOr<SharedAdmission> Admit(const grpc::CallbackServerContext& context,
                                        std::string_view method) EXCLUDES_LOCK(mutex_);

 private:
  Mutex mutex_;
  std::shared_ptr<AccessControl> access_ GUARDED_BY(mutex_);
  std::map<std::string, SharedAdmission, std::less<>> passes_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
