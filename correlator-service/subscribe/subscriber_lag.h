#pragma once

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "common/time/clock.h"

namespace alertjoin {

// What a subscriber follows.
enum class StreamKind { kRows = 0, kAlerts = 1, kSamples = 2 };
constexpr size_t kStreamKinds = 3;
constexpr const char* NameOf(StreamKind kind) {
  constexpr const char* kNames[kStreamKinds] = {"rows", "alerts", "samples"};
  return kNames[static_cast<size_t>(kind)];
}

// How far a subscriber has come. Positions are sequences of the row store, or rounds of the event
// log for samples: what of them stands in a stream is comparable.
struct SubscriberPlace {
  StreamKind stream = StreamKind::kRows;
  uint64_t delivered = 0;  // Everything up to it was taken by the subscriber.
  uint64_t newest = 0;     // What is there to be had.
};

// How far the slowest subscriber of each stream is behind, in changes and in time, as metrics of
// the process. How old a change is follows from when this was first told of it, so that times are
// as exact as the calls are frequent, and lags beyond the last kMarksMax calls show as those.
// Nobody's own lag is shown: the labels would have no bound. Not thread-safe. The registry must
// outlive it.
//
// Metrics: alertjoin_subscriber_lag_changes{stream}, alertjoin_subscriber_lag_seconds{stream}.
class SubscriberLag {
 public:
  static constexpr size_t kMarksMax = 1200;

  explicit SubscriberLag(prometheus::Registry& registry);

  // One look at all subscribers: Begin, Add for each, Publish with the time.
  void Begin();
  void Add(const SubscriberPlace& place);
  // True when anyone is behind.
  bool Publish(Clock::Steady now);

 private:
  struct Mark {
    uint64_t newest;
    Clock::Steady time;
  };
  struct Stream {
    prometheus::Gauge* changes = nullptr;
    prometheus::Gauge* seconds = nullptr;
    std::deque<Mark> marks;  // Newest last; none while nobody follows the stream.
    // Of this look.
    bool followed = false;
    uint64_t newest = 0;
    uint64_t delivered = 0;  // By the slowest.
  };

  static bool PublishOne(Stream& stream, Clock::Steady now);

  std::array<Stream, kStreamKinds> streams_;
};

}  // namespace alertjoin
