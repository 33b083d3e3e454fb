#pragma once

#include <functional>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// Events that one producer handed over together.
struct IntakeBatch {
  std::vector<Event> events;
  // Called once the events are part of the state, on the writer thread, without a lock held. It
  // must not block. Not called when the pipeline stops before.
  std::function<void()> applied;
};

// Takes events into the correlator's order. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // False, and nothing moved from, when the queue is full or the pipeline is stopping.
  virtual bool TryPush(IntakeBatch&& batch) = 0;
};

}  // namespace alertjoin
