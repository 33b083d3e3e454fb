#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "ingest-service/prometheus/transition_listener.h"

namespace alertjoin {

// Tells several listeners of the same transitions, in their order. They may be exchanged at any
// time; who has been exchanged may still be told of what came before. Thread-safe.
class TransitionTee final : public TransitionListener {
 public:
  using Listeners = std::vector<std::shared_ptr<TransitionListener>>;

  void Set(Listeners listeners) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    listeners_.swap(listeners);
  }

  void OnTransitions(std::span<const TransitionEvent> transitions) override EXCLUDES_LOCK(mutex_) {
    Listeners listeners;
    {
      MutexLock lock(mutex_);
      listeners = listeners_;
    }
    for (const auto& listener : listeners) listener->OnTransitions(transitions);
  }

 private:
  Mutex mutex_;
  Listeners listeners_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
