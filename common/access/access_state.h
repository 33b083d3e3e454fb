#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/access/access_config.h"
#include "common/access/client_certificates.h"
#include "common/access/tls_material.h"
#include "common/access/token_list.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// A security file with all that it names, read at one time. Immutable.
struct AccessState {
  AccessConfig config;
  TokenList tokens;
  std::shared_ptr<const TlsServerMaterial> tls;       // Null: none.
  std::shared_ptr<const ClientCertificates> clients;  // Null: theirs are not checked.

  bool wants_identities() const { return config.wants_identities(); }
  // Without `identities`, everyone who is known may do everything.
  RoleSet RolesOf(const std::string& identity) const;
  // Whether the certificates that a client has shown (PEM, its own first) are those of the
  // authorities, and of an allowed name; also when none were asked for.
  bool TakesCertificates(const std::string& chain_pem) const {
    return chain_pem.empty() || clients == nullptr || clients->Take(chain_pem);
  }
  // What it may see of rows, alerts and series; empty: everything.
  const Matchers& FilterOf(const std::string& identity) const;
};

// Where the newest state is found. Thread-safe.
class AccessStateCell {
 public:
  // Null before the first Set.
  std::shared_ptr<const AccessState> Get() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return state_;
  }
  void Set(std::shared_ptr<const AccessState> state) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    state_ = std::move(state);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const AccessState> state_ GUARDED_BY(mutex_);
};

// The errors of ReadAccessConfig, LoadTlsMaterial and TokenList::Parse, with the file.
absl::StatusOr<std::shared_ptr<const AccessState>> LoadAccess(const std::string& file,
                                                              ListenerKind kind, Timestamp now);

// What changes when the file or one of those that `state` names is written or replaced (links are
// followed). `state` may be null.
std::string StampOf(const std::string& file, const AccessState* state);

}  // namespace alertjoin
