#include "common/access/access_control.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread.h"

namespace alertjoin {
namespace {

using Outcome = AccessControl::Verdict::Outcome;

// Compared with what an unknown user gives, so that the time does not tell who there is.
constexpr char kHashOfNobody[] = "$2b$10$abcdefghijklmnopqrstuu4T826PRnz0Hu6YlprUuxkZxOOj5Fw5S";

// Splits "Scheme rest", the scheme in lower case.
std::pair<std::string, std::string_view> SplitAuthorization(std::string_view header) {
  const size_t space = std::min(header.find(' '), header.size());
  std::string scheme(header.substr(0, space));
  std::ranges::transform(scheme, scheme.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view rest = header.substr(space);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return {std::move(scheme), rest};
}

std::string ChallengeOf(const AccessState& state) {
  std::string challenge;
  if (state.config.has_users) challenge = "Basic realm=\"alertjoin\"";
  if (!state.config.tokens_file.empty()) {
    if (!challenge.empty()) challenge += ", ";
    challenge += "Bearer realm=\"alertjoin\"";
  }
  return challenge;
}

AccessControl::Verdict Unknown(const AccessState& state, std::string reason, std::string message) {
  return {Outcome::kUnknown, std::move(reason), std::move(message), ChallengeOf(state), "", {}};
}

AccessControl::Verdict Known(std::string identity) {
  return {Outcome::kAllowed, "", "", "", std::move(identity), {}};
}

// What is fixed while the listener runs.
absl::Status CheckSameDoor(const AccessState& old_state, const AccessState& new_state) {
  if ((old_state.tls == nullptr) != (new_state.tls == nullptr)) {
    return absl::FailedPreconditionError("TLS is turned on or off by a restart only");
  }
  if (new_state.tls != nullptr &&
      old_state.tls->options.client_auth != new_state.tls->options.client_auth) {
    return absl::FailedPreconditionError("client_auth_type is changed by a restart only");
  }
  if (new_state.tls != nullptr && old_state.tls->options.client_allowed_sans.has_value() &&
      !new_state.tls->options.client_allowed_sans.has_value()) {
    return absl::FailedPreconditionError(
        "client_allowed_sans goes by a restart only, since certificates of all names would be "
        "taken");
  }
  // A file that is read while it is written ends anywhere.
  if (old_state.config.has_identities && !new_state.config.has_identities) {
    return absl::FailedPreconditionError(
        "identities go by a restart only, since everyone who is known would get every role: to "
        "keep everyone out, say `identities: []`");
  }
  if (old_state.wants_identities() && !new_state.wants_identities()) {
    return absl::FailedPreconditionError(
        "users and tokens go by a restart only, since everyone would be let in: to keep everyone "
        "out, say `identities: []`");
  }
  return absl::OkStatus();
}

}  // namespace

AccessControl::AccessControl(std::string file, ListenerKind kind, const Clock& clock,
                             prometheus::Registry& registry)
    : file_(std::move(file)),
      kind_(kind),
      clock_(clock),
      metrics_(registry, kind == ListenerKind::kHttp ? "http" : "grpc"),
      passwords_(clock) {}

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Open(const std::string& file,
                                                                   ListenerKind kind,
                                                                   const Clock& clock,
                                                                   prometheus::Registry& registry) {
  auto control = std::unique_ptr<AccessControl>(new AccessControl(file, kind, clock, registry));
  MutexLock lock(control->look_mutex_);
  RETURN_IF_ERROR(control->LoadAndStamp());
  return control;
}

AccessControl::~AccessControl() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void AccessControl::Start(std::function<void(const TlsServerMaterial&)> on_tls) {
  CHECK(!thread_.joinable());
  on_tls_ = std::move(on_tls);
  thread_ = StartThread("access-files", [this] { Run(); });
}

void AccessControl::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      const Clock::Steady deadline = std::chrono::steady_clock::now() + kLookInterval;
      while (!stopping_ && stopped_.WaitUntil(mutex_, deadline)) {
      }
      if (stopping_) return;
    }
    Look();
  }
}

absl::Status AccessControl::Load() {
  auto loaded = LoadAccess(file_, kind_, clock_.Now());
  const auto old_state = state();
  absl::Status status = loaded.status();
  if (status.ok() && old_state != nullptr) {
    status = Annotate(CheckSameDoor(*old_state, **loaded), file_);
  }
  (status.ok() ? metrics_.loads : metrics_.load_failures).Increment();
  metrics_.last_load_successful.Set(status.ok() ? 1 : 0);
  if (!status.ok()) return status;
  const auto& tls = (*loaded)->tls;
  metrics_.certificate_expiry_seconds.Set(
      tls == nullptr ? 0 : static_cast<double>(tls->not_after.millis()) / 1000);
  states_->Set(*loaded);
  if (tls != nullptr && on_tls_) on_tls_(*tls);
  return absl::OkStatus();
}

absl::Status AccessControl::LoadAndStamp() {
  std::string stamp = StampOf(file_, state().get());
  absl::Status status = Load();
  // Read after the stamp was taken, so that no change is missed: of files, too, that the file did
  // not name before.
  if (std::string after = StampOf(file_, state().get()); after != stamp) {
    stamp = std::move(after);
    status = Load();
  }
  stamp_ = std::move(stamp);
  return status;
}

void AccessControl::Look() {
  MutexLock lock(look_mutex_);
  const auto held = state();
  // One that is faulty may become right by itself: by time, or by the other half of a pair.
  if (StampOf(file_, held.get()) == stamp_ && fault_.empty()) return;
  const absl::Status status = LoadAndStamp();
  const std::string fault = status.ok() ? "" : MessageOf(status);
  if (fault == fault_) return;
  fault_ = fault;
  if (fault.empty()) {
    LogInfo("security file read again", {{"file", file_}});
  } else {
    LogError("security file refused: what was read before still holds",
             {{"file", file_}, {"error", fault}});
  }
}

AccessControl::Verdict AccessControl::CheckHttp(std::string_view method, std::string_view path,
                                                const Caller& caller) {
  return Check(AccessOfHttp(method, path), path, caller);
}

AccessControl::Verdict AccessControl::CheckRpc(std::string_view method, const Caller& caller) {
  return Check(AccessOfRpc(method), method, caller);
}

void AccessControl::Prepare(const Caller& caller) {
  const auto held = state();
  if (held->wants_identities()) Identify(*held, caller);
}

bool AccessControl::MayPassHttp(std::string_view method, std::string_view path, Caller caller) {
  caller.may_wait = false;
  const auto outcome = Decide(AccessOfHttp(method, path), caller).outcome;
  return outcome == Outcome::kAllowed || outcome == Outcome::kBusy;
}

AccessControl::Verdict AccessControl::Check(const std::optional<AccessRule>& rule,
                                            std::string_view what, const Caller& caller) {
  Verdict verdict = Decide(rule, caller);
  if (verdict.outcome == Outcome::kAllowed) return verdict;
  metrics_.CountRefusal(verdict.reason);
  if (refusal_log_.Allow()) {
    LogWarn("call refused", {{"call", Excerpt(what, kLongExcerptBytes)},
                             {"reason", verdict.reason},
                             {"identity", verdict.identity}});
  }
  return verdict;
}

AccessControl::Verdict AccessControl::Decide(const std::optional<AccessRule>& rule,
                                             const Caller& caller) {
  const auto held = state();
  if (rule.has_value() && rule->anyone) return Known("");
  const auto admit = [&](const std::string& name, Admission::Proof proof, std::string evidence) {
    return std::make_shared<const Admission>(states_, proof, name, std::move(evidence),
                                             rule.has_value() ? rule->roles : RoleSet::All(),
                                             std::string(caller.certificate_chain));
  };
  // Of a connection that is older than the authorities: TLS takes no new one.
  const bool certified = held->TakesCertificates(std::string(caller.certificate_chain));
  if (certified && !held->wants_identities()) {
    Verdict verdict = Known("");
    verdict.admission = admit("", Admission::Proof::kNone, "");
    return verdict;
  }
  Identified identified =
      certified ? Identify(*held, caller)
                : Identified{Unknown(*held, "certificate_revoked",
                                     "the authority of the connection's certificate is no longer "
                                     "trusted, or none of its names is allowed "
                                     "(client_allowed_sans): connect again with another")};
  Verdict& verdict = identified.verdict;
  if (verdict.outcome == Outcome::kAllowed) {
    if (!rule.has_value()) {
      verdict.outcome = Outcome::kDenied;
      verdict.reason = "unknown_call";
      verdict.message = "nobody may call this";
    } else if (!held->RolesOf(verdict.identity).HasAnyOf(rule->roles)) {
      verdict.outcome = Outcome::kDenied;
      verdict.reason = "role_lacks";
      verdict.message =
          "\"" + Excerpt(verdict.identity) + "\" has no role that this needs (identities)";
    } else if (!rule->filtered && !held->FilterOf(verdict.identity).empty()) {
      verdict.outcome = Outcome::kDenied;
      verdict.reason = "filtered";
      verdict.message = "\"" + Excerpt(verdict.identity) +
                        "\" sees a part (filter), and this cannot be answered in part";
    } else {
      verdict.admission = admit(verdict.identity, identified.proof, std::move(identified.evidence));
    }
  }
  return std::move(verdict);
}

AccessControl::Identified AccessControl::Identify(const AccessState& state, const Caller& caller) {
  const bool takes_credentials = state.config.has_users || !state.config.tokens_file.empty();
  if (takes_credentials && !caller.authorization.empty()) {
    const auto [scheme, credentials] = SplitAuthorization(caller.authorization);
    if (scheme == "basic") return IdentifyUser(state, credentials, caller.may_wait);
    if (scheme == "bearer") {
      std::string digest = TokenList::DigestOf(credentials);
      if (auto name = state.tokens.IdentityOfDigest(digest)) {
        return {Known(*std::move(name)), Admission::Proof::kToken, std::move(digest)};
      }
    }
    return {Unknown(state, "wrong_credentials", "these credentials are not known")};
  }
  const std::string name(caller.certificate_name);
  if (!name.empty() && state.config.identities.contains(name)) {
    return {Known(name), Admission::Proof::kCertificate};
  }
  return {Unknown(state, "no_credentials",
                  takes_credentials ? "credentials are needed: the header Authorization"
                                    : "the certificate is of nobody who is known (identities)")};
}

AccessControl::Identified AccessControl::IdentifyUser(const AccessState& state,
                                                      std::string_view credentials, bool may_wait) {
  std::string pair;
  const bool decoded =
      absl::Base64Unescape(absl::string_view(credentials.data(), credentials.size()), &pair);
  const size_t colon = pair.find(':');
  if (!decoded || colon == pair.npos) {
    return {Unknown(state, "wrong_credentials", "these credentials are not known")};
  }
  const std::string user = pair.substr(0, colon);
  const Secret password(pair.substr(colon + 1));
  const Secret wiped(std::move(pair));
  const auto found = state.config.users.find(user);
  const bool known = found != state.config.users.end();
  switch (passwords_.Check(user, known ? found->second : kHashOfNobody, password, may_wait)) {
    case PasswordCheck::Outcome::kRight:
      if (known) return {Known(user), Admission::Proof::kPassword, found->second};
      break;
    case PasswordCheck::Outcome::kWrong:
      break;
    case PasswordCheck::Outcome::kBusy: {
      Verdict busy;
      busy.outcome = Outcome::kBusy;
      busy.reason = "too_many_checks";
      busy.message = "too many passwords are being checked: try again in a second";
      return {std::move(busy)};
    }
  }
  return {Unknown(state, "wrong_credentials", "these credentials are not known")};
}

}  // namespace alertjoin
