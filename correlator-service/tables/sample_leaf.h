#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "common/time/timestamp.h"
#include "correlator-service/tables/whole_lines.h"

namespace alertjoin {

// One sample as it is kept. The value may be a stale marker (common/event/event.h).
struct Sample {
  Timestamp time;
  double value = 0;
  // Exact within 12 days of `time`, beyond that to the second.
  Timestamp received_time;
};

// Up to kSamplesMax consecutive samples of a series in two columns, 16 bytes for each sample: the
// value; the time and the receive time, as distances of 32 bits. The columns are a block of memory
// elsewhere, but for up to kRecentMax samples at the end, which are kept here until one more comes:
// so appending to many leaves in turn, and looking at their ends, mostly touches the objects alone,
// and while all come in order a line of a large block's memory is written once and as a whole. Not
// thread-safe; movable. Who hands leaves over to another thread calls FinishWrites before.
class SampleLeaf {
 public:
  static constexpr size_t kSamplesMax = 256;
  static constexpr size_t kRecentMax = 8;

  SampleLeaf() = default;

  size_t size() const { return size_; }
  bool full() const { return size_ == kSamplesMax; }
  // REQUIRES: not empty, for both.
  Timestamp first_time() const { return time(0); }
  Timestamp last_time() const { return Timestamp::FromMillis(base_ms_ + last_offset_); }

  // REQUIRES: index < size(), for all three.
  Timestamp time(size_t index) const {
    return Timestamp::FromMillis(base_ms_ + stamp(index).offset);
  }
  double value(size_t index) const {
    return index < settled() ? values()[index] : recent_[index - settled()].value;
  }
  Sample At(size_t index) const;

  // The first index whose time is after `time`; size() when none is.
  size_t UpperBound(Timestamp time) const;

  // Appends a sample that is newer than the others, if that takes neither a new block nor another
  // base. False: nothing was done. The usual case, and nothing but that.
  bool TryAppend(const Sample& sample) {
    if (size_ == 0 || full()) return false;
    const auto offset = static_cast<uint64_t>(sample.time.millis() - base_ms_);
    const int64_t delay = (sample.received_time - sample.time).count();
    if (offset <= last_offset_ || offset > UINT32_MAX) return false;
    if (delay < -kDelayMax || delay > kDelayMax) return false;
    if (recent_size_ == kRecentMax) {
      if (settled() == capacity()) return false;
      MoveRecent();
    }
    last_offset_ = static_cast<uint32_t>(offset);
    AddRecent(sample.value, {last_offset_, static_cast<int32_t>(delay * 2)});
    return true;
  }
  // What this thread has put into leaves comes before all that it writes from here on.
  static void FinishWrites() { FinishWholeLines(); }

  // Makes room for this many samples in the block. REQUIRES: at most kSamplesMax.
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

  // Asks the processor to fetch what putting in, or looking for, a sample of that time will touch
  // beside this object.
  void PrefetchPlace(Timestamp time) const {
    if (block_ == nullptr) return;
    const int64_t offset = time.millis() - base_ms_;
    if (offset > last_offset_) {
      if (recent_size_ < kRecentMax || capacity() == kSamplesMax) return;
      __builtin_prefetch(values() + settled(), 1);
      __builtin_prefetch(stamps() + settled(), 1);
    } else if (offset >= 0 && (recent_size_ == 0 || offset < recent_[0].stamp.offset)) {
      PrefetchBack(offset);
    }
  }

  // Memory in use behind this object.
  size_t ByteSize() const { return capacity() * kSampleBytes; }

 private:
  struct Stamp {
    uint32_t offset;  // Of the time, in ms from base_ms_.
    int32_t delay;    // From then to the receive time, encoded.
  };
  static constexpr size_t kSampleBytes = sizeof(double) + sizeof(Stamp);
  // One of the last few: not in columns, since they are touched one by one.
  struct Recent {
    double value;
    Stamp stamp;
  };
  struct FreeBlock {
    void operator()(std::byte* block) const { std::free(block); }
  };
  // A delay is kept in the upper 31 bits, in milliseconds or, where the lowest bit is set, in
  // seconds.
  static constexpr int64_t kDelayMax = (int64_t{1} << 30) - 1;
  // The capacity of a block is a multiple of this, and so fits into a byte.
  static constexpr size_t kCapacityUnit = 4;

  static int32_t EncodeDelay(Timestamp time, Timestamp received);
  static Timestamp DecodeDelay(Timestamp time, int32_t delay);

  size_t capacity() const { return capacity_units_ * kCapacityUnit; }
  // How many samples, all but the last few, are in the block.
  size_t settled() const { return size_t{size_} - recent_size_; }
  const Stamp& stamp(size_t index) const {
    return index < settled() ? stamps()[index] : recent_[index - settled()].stamp;
  }
  // The block holds the columns one behind the other, capacity() entries each.
  double* values() const { return reinterpret_cast<double*>(block_.get()); }
  Stamp* stamps() const { return reinterpret_cast<Stamp*>(values() + capacity()); }

  // REQUIRES: fewer than kRecentMax are.
  void AddRecent(double value, Stamp stamp) {
    recent_[recent_size_].value = value;
    recent_[recent_size_].stamp = stamp;
    ++recent_size_;
    ++size_;
  }
  // Moves all of the last few into the block, or as many as make it end with a line of memory or
  // have room there. REQUIRES: some have.
  void MoveRecent() {
    const size_t begin = settled();
    if (recent_size_ == kRecentMax && begin % kRecentMax == 0 && capacity() == kSamplesMax) {
      WriteTwoWholeLines(recent_, values() + begin, stamps() + begin);
      recent_size_ = 0;
    } else {
      MoveFewRecent();
    }
  }
  void MoveFewRecent();
  // Makes room for one more in the block.
  void GrowFull();

  // Asks for the samples from the end of the block back to where the offset lies, if they are few.
  void PrefetchBack(int64_t offset) const;
  // Makes `base` the time that offsets count from.
  void Rebase(int64_t base_ms);

  std::unique_ptr<std::byte, FreeBlock> block_;
  int64_t base_ms_ = 0;
  uint32_t last_offset_ = 0;  // Of the last sample. Here, so that the columns need not be read.
  uint16_t size_ = 0;
  uint8_t capacity_units_ = 0;
  uint8_t recent_size_ = 0;
  Recent recent_[kRecentMax] = {};
};

}  // namespace alertjoin
