#pragma once

#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/labels.h>

namespace alertjoin {

// A gauge that is exposed as long as somebody owns it: of a source that a new configuration no
// longer has, nothing is shown. Owners with equal labels of one family share one gauge, so that a
// successor may own it before its predecessor has gone. What is only ever made by
// Family::Add stays until the end.
//
// Thread-safe, as the gauge is; moving is for one thread. The family must outlive it, and its
// gauges of these labels must have no other users.
class OwnedGauge {
 public:
  OwnedGauge() = default;  // Owns nothing.
  OwnedGauge(prometheus::Family<prometheus::Gauge>& family, const prometheus::Labels& labels);
  ~OwnedGauge() { Release(); }
  OwnedGauge(OwnedGauge&& other) noexcept;
  OwnedGauge& operator=(OwnedGauge&& other) noexcept;

  // REQUIRES: owns a gauge.
  void Set(double value) { gauge_->Set(value); }
  double Value() const { return gauge_->Value(); }
  explicit operator bool() const { return gauge_ != nullptr; }

 private:
  void Release();

  prometheus::Family<prometheus::Gauge>* family_ = nullptr;
  prometheus::Gauge* gauge_ = nullptr;
};

}  // namespace alertjoin
