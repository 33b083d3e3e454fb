#pragma once

#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <span>

#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/app/reconcile_wiring.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/prometheus/transition_listener.h"

namespace alertjoin {

// A reconciler that is another one whenever what is to be reconciled has changed: by a new
// configuration, or because data sources of a Grafana came or went. Each goes on where the one
// before it was. Without sources there is none. Thread-safe. What is passed in must outlive it.
class SwitchedReconciler final : public TransitionListener {
 public:
  // Tells a reconciler that begins of what was sent to us lately.
  using TellAgain = std::function<void(const std::shared_ptr<TransitionListener>&)>;

  SwitchedReconciler(TellAgain tell_again, prometheus::Registry& registry, const Clock& clock)
      : tell_again_(std::move(tell_again)), registry_(registry), clock_(clock) {}
  ~SwitchedReconciler() override;  // Stops.

  // Goes over to what is wanted by then: `wanted` is called while no other switch goes on, so that
  // the newest holds in the end. Nothing happens where that is what there is, nor after Stop. What
  // is found goes into the intake, which must live until Stop. Waits for what the old one is doing.
  void Switch(const std::function<Reconciled()>& wanted, TransitionIntake& intake)
      EXCLUDES_LOCK(switching_) EXCLUDES_LOCK(mutex_);
  // For good. Idempotent.
  void Stop() EXCLUDES_LOCK(switching_) EXCLUDES_LOCK(mutex_);

  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_);

 private:
  void Put(std::shared_ptr<WiredReconciler> reconciler) EXCLUDES_LOCK(mutex_);

  const TellAgain tell_again_;
  prometheus::Registry& registry_;
  const Clock& clock_;

  // Held during a switch, and so while something is waited for.
  Mutex switching_;
  bool stopped_ GUARDED_BY(switching_) = false;
  Reconciled current_ GUARDED_BY(switching_);  // Without sources at first.

  // Never held while something is waited for.
  Mutex mutex_;
  std::shared_ptr<WiredReconciler> reconciler_ GUARDED_BY(mutex_);  // Null: none.
};

}  // namespace alertjoin
