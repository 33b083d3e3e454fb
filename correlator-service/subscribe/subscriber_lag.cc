#include "correlator-service/subscribe/subscriber_lag.h"

#include <algorithm>
#include <chrono>

#include "common/metrics/metric_families.h"

namespace alertjoin {

SubscriberLag::SubscriberLag(prometheus::Registry& registry) {
  auto& changes = GaugeFamily(registry, "alertjoin_subscriber_lag_changes",
                              "How many changes (for samples: rounds of the event log) the slowest "
                              "subscriber of a stream is behind.");
  auto& seconds = GaugeFamily(registry, "alertjoin_subscriber_lag_seconds",
                              "Age of the oldest change that the slowest subscriber of a stream "
                              "has not taken.");
  for (size_t i = 0; i < kStreamKinds; ++i) {
    const prometheus::Labels labels = {{"stream", NameOf(static_cast<StreamKind>(i))}};
    streams_[i].changes = &changes.Add(labels);
    streams_[i].seconds = &seconds.Add(labels);
  }
}

void SubscriberLag::Begin() {
  for (Stream& stream : streams_) stream.followed = false;
}

void SubscriberLag::Add(const SubscriberPlace& place) {
  Stream& stream = streams_[static_cast<size_t>(place.stream)];
  stream.newest = stream.followed ? std::max(stream.newest, place.newest) : place.newest;
  stream.delivered =
      stream.followed ? std::min(stream.delivered, place.delivered) : place.delivered;
  stream.followed = true;
}

bool SubscriberLag::Publish(Clock::Steady now) {
  bool behind = false;
  for (Stream& stream : streams_) behind = PublishOne(stream, now) || behind;
  return behind;
}

bool SubscriberLag::PublishOne(Stream& stream, Clock::Steady now) {
  if (!stream.followed) {
    stream.marks.clear();
    stream.changes->Set(0);
    stream.seconds->Set(0);
    return false;
  }
  if (stream.marks.empty() || stream.newest > stream.marks.back().newest) {
    stream.marks.push_back({stream.newest, now});
    if (stream.marks.size() > kMarksMax) stream.marks.pop_front();
  }
  const bool behind = stream.newest > stream.delivered;
  stream.changes->Set(behind ? static_cast<double>(stream.newest - stream.delivered) : 0);
  std::chrono::duration<double> age{0};
  if (behind) {
    const auto first = std::ranges::upper_bound(stream.marks, stream.delivered, {}, &Mark::newest);
    age = now - first->time;
  }
  stream.seconds->Set(age.count());
  return behind;
}

}  // namespace alertjoin
