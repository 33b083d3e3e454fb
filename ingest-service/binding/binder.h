#pragma once

#include "common/event/event.h"

namespace alertjoin {

// Decides which queries an alert is joined with. Thread-safe.
class Binder {
 public:
  virtual ~Binder() = default;
  // The bindings of the alert, in a stable order, each query once. Depends on the event's labels,
  // source and generator URL, and on the rules that are known.
  virtual std::vector<Binding> Bind(const TransitionEvent& event) const = 0;
};

}  // namespace alertjoin
