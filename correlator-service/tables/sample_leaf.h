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
  // Exact within 12 days of `time`, beyond that to the second.
  Timestamp received_time;
};

// Up to kSamplesMax consecutive samples of a series in two columns, 16 bytes for each sample: the
// value; the time and the receive time, as distances of 32 bits. Not thread-safe; movable.
class SampleLeaf {
 public:
  static constexpr size_t kSamplesMax = 256;

  SampleLeaf() = default;

  size_t size() const { return size_; }
  bool full() const { return size_ == kSamplesMax; }
  // REQUIRES: not empty, for both.
  Timestamp first_time() const { return time(0); }
  Timestamp last_time() const { return Timestamp::FromMillis(base_ms_ + last_offset_); }

  // REQUIRES: index < size(), for all three.
  Timestamp time(size_t index) const {
    return Timestamp::FromMillis(base_ms_ + stamps()[index].offset);
  }
  double value(size_t index) const { return values()[index]; }
  Sample At(size_t index) const;

  // The first index whose time is after `time`; size() when none is.
  size_t UpperBound(Timestamp time) const;

  // Appends a sample that is newer than the others, if that takes neither a new block nor another
  // base. False: nothing was done. The usual case, and nothing but that.
  bool TryAppend(const Sample& sample) {
    if (size_ == 0 || size_ == capacity_) return false;
    const auto offset = static_cast<uint64_t>(sample.time.millis() - base_ms_);
    const int64_t delay = (sample.received_time - sample.time).count();
    if (offset <= last_offset_ || offset > UINT32_MAX) return false;
    if (delay < -kDelayMax || delay > kDelayMax) return false;
    values()[size_] = sample.value;
    last_offset_ = static_cast<uint32_t>(offset);
    stamps()[size_] = {last_offset_, static_cast<int32_t>(delay * 2)};
    ++size_;
    return true;
  }

  // Makes room for this many samples at once. REQUIRES: at most kSamplesMax.
  void Reserve(size_t samples);
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

  // Asks the processor to fetch what putting in a sample of that time will touch.
  void PrefetchPlace(Timestamp time) const {
    if (block_ == nullptr) return;
    __builtin_prefetch(values() + size_, 1);
    __builtin_prefetch(stamps() + size_, 1);
    const int64_t offset = time.millis() - base_ms_;
    if (offset >= 0 && offset <= last_offset_) PrefetchBack(offset);
  }

  // Memory in use behind this object.
  size_t ByteSize() const { return capacity_ * kSampleBytes; }

 private:
  struct Stamp {
    uint32_t offset;  // Of the time, in ms from base_ms_.
    int32_t delay;    // From then to the receive time, encoded.
  };
  static constexpr size_t kSampleBytes = sizeof(double) + sizeof(Stamp);
  // A delay is kept in the upper 31 bits, in milliseconds or, where the lowest bit is set, in
  // seconds.
  static constexpr int64_t kDelayMax = (int64_t{1} << 30) - 1;

  static int32_t EncodeDelay(Timestamp time, Timestamp received);
  static Timestamp DecodeDelay(Timestamp time, int32_t delay);

  // The block holds the columns one behind the other, `capacity_` entries each.
  double* values() const { return reinterpret_cast<double*>(block_.get()); }
  Stamp* stamps() const { return reinterpret_cast<Stamp*>(values() + capacity_); }

  // Asks for the samples from the end back to where the offset lies, if they are few.
  void PrefetchBack(int64_t offset) const;
  void Grow();
  // Makes `base` the time that offsets count from.
  void Rebase(int64_t base_ms);

  std::unique_ptr<std::byte[]> block_;
  int64_t base_ms_ = 0;
  uint16_t size_ = 0;
  uint16_t capacity_ = 0;
  uint32_t last_offset_ = 0;  // Of the last sample. Here, so that the columns need not be read.
};

}  // namespace alertjoin
