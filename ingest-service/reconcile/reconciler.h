#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/prometheus/task_loop.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/reconcile/reconcile_metrics.h"
#include "ingest-service/reconcile/reconcile_state.h"
#include "ingest-service/reconcile/source_reconciler.h"
#include "ingest-service/reconcile/transition_ledger.h"

namespace alertjoin {

struct ReconcilerOptions {
  std::string state_path;  // A file; see ReconcileState. "" for none.
  TransitionLedger::Options ledger;
};

// Finds the transitions that were never sent to us: follows the alerts of every metrics source, and
// has those taken that were not sent within a while. A thread of its own, so that nothing else
// waits for it. Thread-safe, but for AddSource, Start and Stop. What is passed in must outlive it.
class Reconciler final : public TransitionListener {
 public:
  // Transitions that were sent to us and not looked at yet; what comes beyond is not noted, and so
  // perhaps added once more, which changes nothing.
  static constexpr size_t kInboxMax = 100'000;
  // Transitions that are taken together.
  static constexpr size_t kTakenTogetherMax = 1'000;

  // Takes transitions without bindings, durably, as TransitionIntake::Take. May block.
  using Take = std::function<absl::Status(std::vector<TransitionEvent>)>;

  Reconciler(ReconcilerOptions options, Take take, const Clock& clock,
             prometheus::Registry& registry);
  ~Reconciler() override;  // Stops.

  // REQUIRES: not started. The client must not call back once the reconciler is gone.
  void AddSource(SourceReconcilerOptions options, PrometheusClient& client);

  // REQUIRES: called once. Without sources nothing runs.
  void Start();
  // Idempotent.
  void Stop();

  // What was taken, of this reconciler or others.
  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);

 private:
  // Of one alert source.
  struct Account {
    Account(const TransitionLedger::Options& options, ReconcileMetrics::Seen seen)
        : ledger(options, seen) {}
    TransitionLedger ledger;
    std::vector<std::unique_ptr<SourceReconciler>> sources;
    Timestamp retry_at = Timestamp::Min();
    Timestamp sweep_at = Timestamp::Min();
  };

  Timestamp Step();
  void ReadInbox(Timestamp now) EXCLUDES_LOCK(mutex_);
  Timestamp TakeDue(const std::string& alert_source, Account& account, Timestamp now);
  static void Sweep(Account& account, Timestamp now);
  void KeepState(Timestamp now);

  const ReconcilerOptions options_;
  const Take take_;
  const Clock& clock_;
  ReconcileMetrics metrics_;
  LogLimiter log_limiter_;

  // The loop's thread only, once it runs.
  std::map<std::string, std::unique_ptr<Account>> accounts_;  // Constant by then.
  ReconcileState state_;
  Timestamp keep_state_at_ = Timestamp::Min();

  Mutex mutex_;
  bool started_ GUARDED_BY(mutex_) = false;
  std::vector<TransitionEvent> inbox_ GUARDED_BY(mutex_);

  TaskLoop loop_;
};

}  // namespace alertjoin
