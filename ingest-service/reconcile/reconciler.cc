#include "ingest-service/reconcile/reconciler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kRetryAfter = std::chrono::seconds(5);
constexpr Millis kSweepInterval = std::chrono::seconds(10);
constexpr Millis kStateInterval = std::chrono::seconds(5);
// A transition that is sent is found by then, whatever the phases.
constexpr Millis kFoundLate = std::chrono::seconds(5);

}  // namespace

Reconciler::Reconciler(ReconcilerOptions options, Take take, const Clock& clock,
                       prometheus::Registry& registry)
    : options_(std::move(options)),
      take_(std::move(take)),
      clock_(clock),
      metrics_(registry),
      log_limiter_(kLogInterval, clock),
      loop_("reconciler", clock) {
  if (options_.state_path.empty()) return;
  auto state = ReadReconcileState(options_.state_path);
  if (state.ok()) {
    state_ = *std::move(state);
  } else {
    LogWarn("how far alerts were reconciled is not known: beginning anew",
            {{"error", MessageOf(state.status())}});
  }
}

Reconciler::~Reconciler() { Stop(); }

void Reconciler::AddSource(SourceReconcilerOptions options, PrometheusClient& client) {
  auto& account = accounts_[options.alert_source];
  if (account == nullptr) {
    account = std::make_unique<Account>(options_.ledger, metrics_.SeenOf(options.alert_source));
  }
  std::optional<Timestamp> read_from;
  if (const auto kept = state_.find(options.source); kept != state_.end()) {
    read_from = kept->second;
  }
  const TransitionLedger::Finder finder = account->sources.size();
  account->sources.push_back(std::make_unique<SourceReconciler>(
      std::move(options),
      SourceReconciler::Environment{client, account->ledger, finder, loop_, clock_, metrics_},
      read_from));
}

void Reconciler::Start() {
  if (accounts_.empty()) return;
  {
    MutexLock lock(mutex_);
    started_ = true;
  }
  loop_.Start([this] { return Step(); });
}

void Reconciler::Stop() {
  {
    MutexLock lock(mutex_);
    started_ = false;
    inbox_.clear();
  }
  loop_.Stop();
}

void Reconciler::OnTransitions(std::span<const TransitionEvent> transitions) {
  MutexLock lock(mutex_);
  for (const TransitionEvent& transition : transitions) {
    if (inbox_.size() >= kInboxMax) return;
    // Also before the start: what is in the spool is told then.
    if (transition.origin == Origin::kReconciliation || !accounts_.contains(transition.source)) {
      continue;
    }
    inbox_.push_back(transition);
  }
}

void Reconciler::ReadInbox(Timestamp now) {
  std::vector<TransitionEvent> sent;
  {
    MutexLock lock(mutex_);
    sent.swap(inbox_);
  }
  for (const TransitionEvent& transition : sent) {
    accounts_.at(transition.source)->ledger.OnSent(transition, now);
  }
}

Timestamp Reconciler::Step() {
  const Timestamp now = clock_.Now();
  ReadInbox(now);
  Timestamp next = Timestamp::Max();
  for (auto& [alert_source, account] : accounts_) {
    for (auto& source : account->sources) next = std::min(next, source->Step());
    next = std::min(next, TakeDue(alert_source, *account, now));
    if (now >= account->sweep_at) {
      account->sweep_at = now + kSweepInterval;
      Sweep(*account, now);
    }
  }
  if (now >= keep_state_at_) {
    keep_state_at_ = now + kStateInterval;
    KeepState(now);
  }
  return next;
}

Timestamp Reconciler::TakeDue(const std::string& alert_source, Account& account, Timestamp now) {
  if (now < account.retry_at && account.retry_at <= now + kRetryAfter) return account.retry_at;
  while (true) {
    const std::vector<TransitionEvent> due = account.ledger.Due(now, kTakenTogetherMax);
    if (due.empty()) return account.ledger.NextDue();
    const absl::Status taken = take_(due);
    if (!taken.ok()) {
      metrics_.CountAddFailure(alert_source);
      if (log_limiter_.Allow()) {
        LogWarn("transitions that were found cannot be added",
                {{"source", alert_source}, {"error", MessageOf(taken)}});
      }
      // What the spool can never take must not keep back what follows.
      if (!absl::IsInvalidArgument(taken)) {
        account.retry_at = now + kRetryAfter;
        return account.retry_at;
      }
    }
    account.ledger.OnTaken(due);
  }
}

void Reconciler::Sweep(Account& account, Timestamp now) {
  // What was sent is missing in the history only if every one of them has been read there.
  Timestamp from = Timestamp::Min();
  Timestamp through = Timestamp::Max();
  for (const auto& source : account.sources) {
    if (!source->read_since() || !source->read_through()) {
      through = Timestamp::Min();
      break;
    }
    from = std::max(from, *source->read_since());
    through = std::min(through, *source->read_through() - kFoundLate);
  }
  account.ledger.Sweep(from, through, now);
}

void Reconciler::KeepState(Timestamp /*now*/) {
  if (options_.state_path.empty()) return;
  ReconcileState state = state_;
  for (const auto& [alert_source, account] : accounts_) {
    for (const auto& source : account->sources) {
      if (const auto covered = source->covered()) state[source->options().source] = *covered;
    }
  }
  if (state == state_) return;
  const absl::Status written = WriteReconcileState(options_.state_path, state);
  if (written.ok()) {
    state_ = std::move(state);
  } else if (log_limiter_.Allow()) {
    LogWarn("how far alerts are reconciled cannot be kept", {{"error", MessageOf(written)}});
  }
}

}  // namespace alertjoin
