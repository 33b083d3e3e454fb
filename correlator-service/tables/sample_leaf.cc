#include "correlator-service/tables/sample_leaf.h"

#include <algorithm>
#include <limits>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// The first step of a search from the end of a leaf, in samples.
constexpr size_t kSearchStep = 4;

// Entries of a column on one line of memory, and how far back from the end is prefetched.
constexpr size_t kLineSamples = 8;
constexpr size_t kPrefetchSamplesMax = 64;

template <typename T>
void MakeRoom(T* column, size_t index, size_t size) {
  std::copy_backward(column + index, column + size, column + size + 1);
}

}  // namespace

int32_t SampleLeaf::EncodeDelay(Timestamp time, Timestamp received) {
  const int64_t ms = (received - time).count();
  if (ms >= -kDelayMax && ms <= kDelayMax) return static_cast<int32_t>(ms * 2);
  const int64_t seconds = std::clamp(ms / 1000, -kDelayMax, kDelayMax);
  return static_cast<int32_t>(seconds * 2 + 1);
}

Timestamp SampleLeaf::DecodeDelay(Timestamp time, int32_t delay) {
  const int64_t amount = delay >> 1;
  return time + Millis((delay & 1) != 0 ? amount * 1000 : amount);
}

Sample SampleLeaf::At(size_t index) const {
  const Timestamp at = time(index);
  return {at, value(index), DecodeDelay(at, stamp(index).delay)};
}

size_t SampleLeaf::UpperBound(Timestamp time) const {
  const int64_t offset = time.millis() - base_ms_;
  if (offset < 0) return 0;
  if (offset > std::numeric_limits<uint32_t>::max()) return size_;
  // No branch here and in the last search depends on the time, which cannot be foretold.
  size_t recent_before = 0;
  for (size_t i = 0; i < kRecentMax; ++i) {
    recent_before += i < recent_size_ && recent_[i].stamp.offset <= offset ? 1 : 0;
  }
  if (recent_before > 0) return settled() + recent_before;
  const Stamp* const begin = stamps();
  // Most of what is looked for lies near the end: back from there in growing steps, so that few
  // lines of memory are touched.
  size_t from = 0;
  size_t end = settled();
  for (size_t step = kSearchStep; step < end; step *= 2) {
    if (begin[end - step].offset <= offset) {
      from = end - step + 1;
      break;
    }
    end -= step;
  }
  for (size_t length = end - from; length > 0;) {
    const size_t half = (length + 1) / 2;
    from += begin[from + half - 1].offset <= offset ? half : 0;
    length -= half;
  }
  return from;
}

bool SampleLeaf::Reaches(Timestamp time) const {
  constexpr int64_t kSpanMax = std::numeric_limits<uint32_t>::max();
  if (size_ == 0) return true;
  // Without a look at the first one, which may be far away in memory.
  if (time.millis() >= base_ms_ && time.millis() - base_ms_ <= kSpanMax) return true;
  return last_time().millis() - time.millis() <= kSpanMax &&
         time.millis() - first_time().millis() <= kSpanMax;
}

void SampleLeaf::PrefetchBack(int64_t offset) const {
  // Samples of a series are about as far from each other as the others are.
  const auto behind =
      static_cast<size_t>((last_offset_ - offset) * size_ / std::max<int64_t>(last_offset_, 1)) + 1;
  // From the line on which they end, which those behind the place move on to.
  for (size_t back = 0; back < std::min(behind + kLineSamples, kPrefetchSamplesMax);
       back += kLineSamples) {
    if (back > settled()) return;
    __builtin_prefetch(values() + settled() - back, 1);
    __builtin_prefetch(stamps() + settled() - back, 1);
  }
}

void SampleLeaf::MoveFewRecent() {
  const size_t begin = settled();
  const size_t to_line_end = kRecentMax - begin % kRecentMax;
  const size_t moved = std::min({size_t{recent_size_}, to_line_end, capacity() - begin});
  for (size_t i = 0; i < moved; ++i) {
    values()[begin + i] = recent_[i].value;
    stamps()[begin + i] = recent_[i].stamp;
  }
  std::copy(recent_ + moved, recent_ + recent_size_, recent_);
  recent_size_ = static_cast<uint8_t>(recent_size_ - moved);
}

void SampleLeaf::GrowFull() {
  if (settled() < capacity()) return;
  // Many series are short.
  Reserve(std::min(kSamplesMax, capacity() < 12 ? capacity() + 4 : 3 * capacity()));
}

void SampleLeaf::Reserve(size_t samples) {
  CHECK(samples <= kSamplesMax);
  if (samples <= capacity()) return;
  const size_t units = (samples + kCapacityUnit - 1) / kCapacityUnit;
  const size_t bytes = units * kCapacityUnit * kSampleBytes;
  // Only the largest are written line by line.
  void* const block = units * kCapacityUnit == kSamplesMax
                          ? std::aligned_alloc(kWholeLineBytes, bytes)
                          : std::malloc(bytes);
  CHECK(block != nullptr);
  SampleLeaf larger;
  larger.block_.reset(static_cast<std::byte*>(block));
  larger.capacity_units_ = static_cast<uint8_t>(units);
  std::copy_n(values(), settled(), larger.values());
  std::copy_n(stamps(), settled(), larger.stamps());
  block_ = std::move(larger.block_);
  capacity_units_ = larger.capacity_units_;
}

void SampleLeaf::Rebase(int64_t base_ms) {
  const int64_t shift = base_ms_ - base_ms;
  const auto move = [shift](Stamp& stamp) {
    stamp.offset = static_cast<uint32_t>(stamp.offset + shift);
  };
  std::for_each_n(stamps(), settled(), move);
  for (size_t i = 0; i < recent_size_; ++i) move(recent_[i].stamp);
  last_offset_ = static_cast<uint32_t>(last_offset_ + shift);
  base_ms_ = base_ms;
}

void SampleLeaf::Insert(size_t index, const Sample& sample) {
  CHECK(!full() && index <= size_);
  const int64_t ms = sample.time.millis();
  if (size_ == 0) {
    base_ms_ = ms;
  } else if (ms < base_ms_) {
    Rebase(ms);
  } else if (ms - base_ms_ > std::numeric_limits<uint32_t>::max()) {
    Rebase(first_time().millis());
  }
  const Stamp added = {static_cast<uint32_t>(ms - base_ms_),
                       EncodeDelay(sample.time, sample.received_time)};
  if (index == size_) last_offset_ = added.offset;
  if (index >= settled() && recent_size_ == kRecentMax) {
    GrowFull();
    MoveRecent();
  }
  if (index >= settled()) {
    const size_t place = index - settled();
    MakeRoom(recent_, place, recent_size_);
    recent_[place] = {sample.value, added};
    ++recent_size_;
  } else {
    GrowFull();
    MakeRoom(values(), index, settled());
    MakeRoom(stamps(), index, settled());
    values()[index] = sample.value;
    stamps()[index] = added;
  }
  ++size_;
}

void SampleLeaf::Replace(size_t index, const Sample& sample) {
  const int32_t delay = EncodeDelay(sample.time, sample.received_time);
  if (index < settled()) {
    values()[index] = sample.value;
    stamps()[index].delay = delay;
  } else {
    Recent& replaced = recent_[index - settled()];
    replaced.value = sample.value;
    replaced.stamp.delay = delay;
  }
}

SampleLeaf SampleLeaf::SplitAt(size_t index) {
  const size_t of_block = std::min(index, settled());
  const size_t of_recent = index - of_block;
  SampleLeaf tail;
  tail.Reserve(settled() - of_block);
  std::copy(values() + of_block, values() + settled(), tail.values());
  std::copy(stamps() + of_block, stamps() + settled(), tail.stamps());
  std::copy(recent_ + of_recent, recent_ + recent_size_, tail.recent_);
  tail.base_ms_ = base_ms_;
  tail.last_offset_ = last_offset_;
  tail.size_ = static_cast<uint16_t>(size_ - index);
  tail.recent_size_ = static_cast<uint8_t>(recent_size_ - of_recent);
  recent_size_ = static_cast<uint8_t>(of_recent);
  size_ = static_cast<uint16_t>(index);
  if (size_ > 0) last_offset_ = stamp(size_ - 1).offset;
  return tail;
}

void SampleLeaf::DropFront(size_t count) {
  CHECK(count < size_);
  const size_t of_block = std::min(count, settled());
  const size_t of_recent = count - of_block;
  std::copy(values() + of_block, values() + settled(), values());
  std::copy(stamps() + of_block, stamps() + settled(), stamps());
  std::copy(recent_ + of_recent, recent_ + recent_size_, recent_);
  recent_size_ = static_cast<uint8_t>(recent_size_ - of_recent);
  size_ = static_cast<uint16_t>(size_ - count);
}

}  // namespace alertjoin
