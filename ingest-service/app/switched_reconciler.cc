#include "ingest-service/app/switched_reconciler.h"

#include <utility>

namespace alertjoin {

SwitchedReconciler::~SwitchedReconciler() { Stop(); }

void SwitchedReconciler::Switch(const std::function<Reconciled()>& wanted,
                                TransitionIntake& intake) {
  MutexLock switching(switching_);
  if (stopped_) return;
  Reconciled next = wanted();
  if (next == current_) return;
  current_ = std::move(next);
  // One after the other: both keep how far they are in one file.
  Put(nullptr);
  if (current_.sources.empty()) return;
  const auto begun = std::make_shared<WiredReconciler>(current_, intake, clock_, registry_);
  Put(begun);
  tell_again_(begun);
  begun->Start();
}

void SwitchedReconciler::Stop() {
  MutexLock switching(switching_);
  stopped_ = true;
  Put(nullptr);
}

void SwitchedReconciler::Put(std::shared_ptr<WiredReconciler> reconciler) {
  {
    MutexLock lock(mutex_);
    reconciler_.swap(reconciler);
  }
  if (reconciler != nullptr) reconciler->Stop();
}

void SwitchedReconciler::OnTransitions(std::span<const TransitionEvent> transitions) {
  std::shared_ptr<WiredReconciler> reconciler;
  {
    MutexLock lock(mutex_);
    reconciler = reconciler_;
  }
  if (reconciler != nullptr) reconciler->OnTransitions(transitions);
}

}  // namespace alertjoin
