#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/time/timestamp.h"

namespace alertjoin {

// One sample as it is kept. The value may be a stale marker (common/event/event.h).
struct Sample {
  Timestamp time;
  double value = 0;
  // Exact within about 6 days of `time`, beyond that to the second.
  Timestamp received_time;
};

// Up to kSamplesMax consecutive samples of a series in columns, 16 bytes for each: the value, the
// time and the receive time, the latter two as distances of 32 bits. Not thread-safe; movable.
class SampleLeaf {
 public:
  static constexpr size_t kSamplesMax = 256;

  SampleLeaf() = default;

  size_t size() const { return size_; }
  bool full() const { return size_ == kSamplesMax; }
  // REQUIRES: not empty, for both.
  Timestamp first_time() const { return time(0); }
  Timestamp last_time() const { return time(size_ - 1u); }

  // REQUIRES: index < size(), for all three.
  Timestamp time(size_t index) const { return Timestamp::FromMillis(base_ms_ + offsets()[index]); }
  double value(size_t index) const { return values()[index]; }
  Sample At(size_t index) const;

  // The first index whose time is after `time`; size() when none is.
  size_t UpperBound(Timestamp time) const;

  // Whether a sample at `time` would be near enough to the others (49 days from first to last).
  bool Reaches(Timestamp time) const;
  // Puts the sample before the one at `index`. REQUIRES: not full; Reaches(sample.time); order is
  // kept.
  void Insert(size_t index, const Sample& sample);
  // Gives the sample at `index` another value.
  void Replace(size_t index, const Sample& sample);
  // Moves the samples from `index` on into a new leaf.
  SampleLeaf SplitAt(size_t index);
  // Forgets the first `count` samples. REQUIRES: count < size().
  void DropFront(size_t count);

  // Asks the processor to fetch what appending a sample will write to.
  void PrefetchEnd() const {
    if (block_ == nullptr) return;
    __builtin_prefetch(values() + size_, 1);
    __builtin_prefetch(offsets() + size_, 1);
    __builtin_prefetch(delays() + size_, 1);
  }

  // Memory in use behind this object.
  size_t ByteSize() const { return capacity_ * kSampleBytes; }

 private:
  static constexpr size_t kSampleBytes = sizeof(double) + sizeof(uint32_t) + sizeof(int32_t);

  // The block holds the columns one behind the other, `capacity_` entries each.
  double* values() const { return reinterpret_cast<double*>(block_.get()); }
  uint32_t* offsets() const { return reinterpret_cast<uint32_t*>(values() + capacity_); }
  int32_t* delays() const { return reinterpret_cast<int32_t*>(offsets() + capacity_); }

  void Grow();
  // Makes `base` the time that offsets count from.
  void Rebase(int64_t base_ms);

  std::unique_ptr<std::byte[]> block_;
  int64_t base_ms_ = 0;
  uint16_t size_ = 0;
  uint16_t capacity_ = 0;
};

}  // namespace alertjoin
