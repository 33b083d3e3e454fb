#pragma once

#include <span>
#include <vector>

#include "ingest-service/prometheus/transition_listener.h"

namespace alertjoin {

// Tells several listeners of the same transitions, in the order in which they were added. They must
// outlive it. Add before the first transition.
class TransitionTee final : public TransitionListener {
 public:
  void Add(TransitionListener& listener) { listeners_.push_back(&listener); }

  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    for (TransitionListener* const listener : listeners_) listener->OnTransitions(transitions);
  }

 private:
  std::vector<TransitionListener*> listeners_;
};

}  // namespace alertjoin
