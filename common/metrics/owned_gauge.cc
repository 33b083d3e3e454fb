#include "common/metrics/owned_gauge.h"

#include <cstddef>
#include <unordered_map>
#include <utility>

#include "common/status/status.h"
#include "common/sync/mutex.h"

namespace alertjoin {
namespace {

// How many own each gauge. Its lock is held while gauges are added and removed, so that none is
// removed that somebody has just got.
struct Owners {
  Mutex mutex;
  std::unordered_map<const prometheus::Gauge*, size_t> of_gauge GUARDED_BY(mutex);

  // Never destroyed: owners may go while the process ends.
  static Owners& Get() {
    static auto* const owners = new Owners;
    return *owners;
  }
};

}  // namespace

OwnedGauge::OwnedGauge(prometheus::Family<prometheus::Gauge>& family,
                       const prometheus::Labels& labels)
    : family_(&family) {
  Owners& owners = Owners::Get();
  MutexLock lock(owners.mutex);
  gauge_ = &family.Add(labels);
  ++owners.of_gauge[gauge_];
}

OwnedGauge::OwnedGauge(OwnedGauge&& other) noexcept
    : family_(std::exchange(other.family_, nullptr)),
      gauge_(std::exchange(other.gauge_, nullptr)) {}

OwnedGauge& OwnedGauge::operator=(OwnedGauge&& other) noexcept {
  std::swap(family_, other.family_);
  std::swap(gauge_, other.gauge_);
  return *this;
}

void OwnedGauge::Release() {
  if (gauge_ == nullptr) return;
  Owners& owners = Owners::Get();
  MutexLock lock(owners.mutex);
  const auto found = owners.of_gauge.find(gauge_);
  CHECK(found != owners.of_gauge.end());
  if (--found->second == 0) {
    owners.of_gauge.erase(found);
    family_->Remove(gauge_);
  }
  gauge_ = nullptr;
}

}  // namespace alertjoin
