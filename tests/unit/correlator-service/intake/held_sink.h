#pragma once

#include <deque>
#include <string>
#include <vector>

#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// A sink that keeps batches until the test applies them. For one thread.
class HeldSink final : public EventSink {
 public:
  bool TryPush(IntakeBatch&& batch) override {
    if (full) return false;
    for (const Event& event : batch.events) {
      const auto* alert = TransitionOf(event);
      events.push_back(alert != nullptr ? alert->fingerprint : "other");
    }
    held_.push_back(std::move(batch));
    return true;
  }
  // Applies the oldest batch. False: there is none.
  bool ApplyOne() {
    if (held_.empty()) return false;
    const IntakeBatch batch = std::move(held_.front());
    held_.pop_front();
    batch.durable();
    return true;
  }
  void ApplyAll() {
    while (ApplyOne()) continue;
  }

  bool full = false;
  std::vector<std::string> events;  // Fingerprints in order of arrival.

 private:
  std::deque<IntakeBatch> held_;
};

}  // namespace alertjoin
