#pragma once

#include <span>

#include "common/event/event.h"

namespace alertjoin {

// Learns of transitions once they have been taken, to query the metrics at their event time.
// Thread-safe; must not block.
class TransitionListener {
 public:
  virtual ~TransitionListener() = default;
  virtual void OnTransitions(std::span<const TransitionEvent> transitions) = 0;
};

}  // namespace alertjoin
