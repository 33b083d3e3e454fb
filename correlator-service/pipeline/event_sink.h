#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// How far one log of one producer has been taken.
struct ProducerPosition {
  std::string producer_id;
  std::string log_id;
  uint64_t epoch = 0;          // Of the stream that brought its events: a lower one is fenced.
  uint64_t last_sequence = 0;  // The producer's number of the last event.
};

// Events that one producer handed over together.
struct IntakeBatch {
  ProducerPosition position;  // Once they are taken.
  std::vector<Event> events;
  // About their size when encoded.
  size_t bytes = 0;
  // Called once the events are durable, on a thread of the sink, without a lock held. It must not
  // block. Not called when the sink stops before.
  std::function<void()> durable;
  // Of a part (Divide): the rest of the last event is in the next one; `position` is before it.
  bool is_continued = false;
};

// Takes events into the correlator's order. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // False, and nothing moved from, when the queue is full or the pipeline is stopping.
  virtual bool TryPush(IntakeBatch&& batch) = 0;
};

}  // namespace alertjoin
