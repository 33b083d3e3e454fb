#pragma once

#include <span>

#include "absl/status/status.h"
#include "common/event/event.h"

namespace alertjoin {

// Where samples go: the spool, or what a test looks at. Thread-safe.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  // Takes all events or none. RESOURCE_EXHAUSTED: there is no room now. REQUIRES: not empty.
  virtual absl::Status Append(std::span<const Event> events) = 0;
};

}  // namespace alertjoin
