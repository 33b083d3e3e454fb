#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/access/access_state.h"
#include "common/access/role.h"
#include "common/status/status.h"
#include "common/text/matchers.h"

namespace alertjoin {

// What let a caller in, so that it can be asked later whether it still would: of a stream, which
// may be open long after a token was taken away. Immutable; thread-safe. It may outlive the access
// control that gave it.
class Admission {
 public:
  enum class Proof {
    kNone,         // Nobody had to show who he is.
    kToken,        // A bearer token; `evidence` is its digest.
    kPassword,     // A user's password; `evidence` is its hash.
    kCertificate,  // The name in a certificate.
  };

  // `states`: where the newest state of the access control is. `needed`: any of these roles.
  // `certificate_chain`: of the connection, as of AccessControl::Caller.
  Admission(std::shared_ptr<const AccessStateCell> states, Proof proof, std::string identity,
            std::string evidence, RoleSet needed, std::string certificate_chain = "");

  // OK while the caller would be let in again, by the same proof and to see the same. Otherwise
  // UNAUTHENTICATED, reason CREDENTIALS_REVOKED, when the proof, or the connection's certificate
  // with any proof, is worth nothing now, and PERMISSION_DENIED, reason PERMISSION_REVOKED, when
  // the identity has lost the role or has another filter; with the detail.
  absl::Status Check(const ErrorDetail& detail = {}) const;

  const std::string& identity() const { return identity_; }
  // What of all rows, alerts, series the caller may see; empty: everything.
  const Matchers& filter() const { return filter_; }

 private:
  bool IsProven(const AccessState& state) const;

  const std::shared_ptr<const AccessStateCell> states_;
  const Proof proof_;
  const std::string identity_;
  const std::string evidence_;
  const RoleSet needed_;
  const std::string certificate_chain_;
  const Matchers filter_;
};

// Null where nothing is asked of callers: everything is allowed, for good.
using SharedAdmission = std::shared_ptr<const Admission>;

inline absl::Status CheckAdmission(const SharedAdmission& admission) {
  return admission == nullptr ? absl::OkStatus() : admission->Check();
}

}  // namespace alertjoin
