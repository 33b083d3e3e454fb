#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "common/access/access_metrics.h"
#include "common/access/access_state.h"
#include "common/access/access_table.h"
#include "common/access/admission.h"
#include "common/access/password_check.h"
#include "common/log/log.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace alertjoin {

// Says of each call of a listener whether it may pass, by the listener's security file, which it
// reads again when it or a file that it names has changed: looked at once a second, so that a token
// that is taken away opens nothing two seconds later. A file that is faulty, or that turns TLS on
// or off or asks for other client certificates (which takes a restart), changes nothing but the
// log and the metrics. Thread-safe but for Start. Clock and registry must outlive it.
class AccessControl {
 public:
  static constexpr Millis kLookInterval = std::chrono::seconds(1);

  // The errors of LoadAccess.
  static absl::StatusOr<std::unique_ptr<AccessControl>> Open(const std::string& file,
                                                             ListenerKind kind, const Clock& clock,
                                                             prometheus::Registry& registry);
  ~AccessControl();

  // From now on the files are looked at. `on_tls` is told of new certificates, on a thread of its
  // own; empty: nobody is. REQUIRES: called once at most.
  void Start(std::function<void(const TlsServerMaterial&)> on_tls = {});
  // Looks at the files now. Start does it by itself.
  void Look() EXCLUDES_LOCK(mutex_);

  std::shared_ptr<const AccessState> state() const { return states_->Get(); }

  struct Caller {
    std::string_view authorization;     // The header's value; "" when there is none.
    std::string_view certificate_name;  // Common name of a certificate that was checked; or "".
    // That certificate and what came with it (PEM); "" when none was checked.
    std::string_view certificate_chain = {};
    // Whether it waits for a password to be compared. If not, one that was not of late is kBusy.
    bool may_wait = true;
  };
  struct Verdict {
    enum class Outcome {
      kAllowed,
      kUnknown,  // Who it is must be shown (401).
      kDenied,   // Known, but not allowed (403).
      kBusy,     // To be tried again (503).
    };
    Outcome outcome = Outcome::kAllowed;
    std::string reason;     // lower_snake, one of a few.
    std::string message;    // For the caller.
    std::string challenge;  // With kUnknown: the value of WWW-Authenticate.
    std::string identity;   // Whoever it is, "" when that is not known.
    // With kAllowed: what to ask later whether it still holds. Null for what anyone may do.
    SharedAdmission admission = nullptr;
  };
  Verdict CheckHttp(std::string_view method, std::string_view path, const Caller& caller);
  Verdict CheckRpc(std::string_view method, const Caller& caller);
  // Whether CheckHttp might allow the call, as far as that can be said without waiting. Nothing is
  // counted.
  bool MayPassHttp(std::string_view method, std::string_view path, Caller caller);
  // Compares the caller's password, if there is one, for a check soon after that may not wait.
  // Nothing is counted.
  void Prepare(const Caller& caller);

  // A handshake that failed, for the metrics.
  void CountFailedHandshake() { metrics_.CountRefusal("tls_handshake"); }

 private:
  AccessControl(std::string file, ListenerKind kind, const Clock& clock,
                prometheus::Registry& registry);

  absl::Status Load() EXCLUDES_LOCK(mutex_);
  absl::Status LoadAndStamp() REQUIRES_LOCK(look_mutex_) EXCLUDES_LOCK(mutex_);
  Verdict Check(const std::optional<AccessRule>& rule, std::string_view what, const Caller& caller);
  // The same without a record of it.
  Verdict Decide(const std::optional<AccessRule>& rule, const Caller& caller);
  // Who it is and how that was shown, or why it is not known. Nothing of `rule` is in it.
  struct Identified {
    Verdict verdict;
    Admission::Proof proof = Admission::Proof::kNone;
    std::string evidence = {};
  };
  Identified Identify(const AccessState& state, const Caller& caller);
  Identified IdentifyUser(const AccessState& state, std::string_view credentials, bool may_wait);
  void Run() EXCLUDES_LOCK(mutex_);

  const std::string file_;
  const ListenerKind kind_;
  const Clock& clock_;
  const std::shared_ptr<AccessStateCell> states_ = std::make_shared<AccessStateCell>();
  AccessMetrics metrics_;
  PasswordCheck passwords_;
  LogLimiter refusal_log_{std::chrono::seconds(10)};
  std::thread thread_;
  std::function<void(const TlsServerMaterial&)> on_tls_;  // Constant once started.

  Mutex look_mutex_;  // Before mutex_; held while files are read.
  std::string stamp_ GUARDED_BY(look_mutex_);
  std::string fault_ GUARDED_BY(look_mutex_);  // Of the last read; "": none.

  Mutex mutex_;
  CondVar stopped_;
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace alertjoin
