#include "common/access/admission.h"

#include "common/status/error_reason.h"

namespace alertjoin {

Admission::Admission(std::shared_ptr<const AccessStateCell> states, Proof proof,
                     std::string identity, std::string evidence, RoleSet needed,
                     std::string certificate_chain)
    : states_(std::move(states)),
      proof_(proof),
      identity_(std::move(identity)),
      evidence_(std::move(evidence)),
      needed_(needed),
      certificate_chain_(std::move(certificate_chain)),
      filter_(states_->Get()->FilterOf(identity_)) {}

bool Admission::IsProven(const AccessState& state) const {
  if (!state.wants_identities()) return true;
  switch (proof_) {
    case Proof::kNone:
      return false;
    case Proof::kToken:
      return state.tokens.IdentityOfDigest(evidence_) == identity_;
    case Proof::kPassword: {
      const auto user = state.config.users.find(identity_);
      return user != state.config.users.end() && user->second == evidence_;
    }
    case Proof::kCertificate:
      return state.config.identities.contains(identity_);
  }
  return false;
}

absl::Status Admission::Check(const ErrorDetail& detail) const {
  const auto state = states_->Get();
  if (!state->TakesCertificates(certificate_chain_)) {
    return MakeError("CREDENTIALS_REVOKED",
                     "the authority of the connection's certificate is no longer trusted, or none "
                     "of its names is allowed: connect again with another",
                     detail);
  }
  if (!IsProven(*state)) {
    return MakeError("CREDENTIALS_REVOKED",
                     "the credentials that this was begun with are no longer taken: come again "
                     "with others",
                     detail);
  }
  if (state->wants_identities() && !state->RolesOf(identity_).HasAnyOf(needed_)) {
    return MakeError("PERMISSION_REVOKED",
                     "the role that this needs was taken from the identity: ask for it again",
                     detail);
  }
  if (!(state->FilterOf(identity_) == filter_)) {
    return MakeError("PERMISSION_REVOKED",
                     "what the identity may see has changed: begin anew, without a token", detail);
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
