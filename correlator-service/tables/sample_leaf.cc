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
  return {at, value(index), DecodeDelay(at, stamps()[index].delay)};
}

size_t SampleLeaf::UpperBound(Timestamp time) const {
  const int64_t offset = time.millis() - base_ms_;
  if (offset < 0) return 0;
  if (offset > std::numeric_limits<uint32_t>::max()) return size_;
  const Stamp* const begin = stamps();
  // Most of what is looked for lies near the end: back from there in growing steps, so that few
  // lines of memory are touched.
  size_t from = 0;
  size_t end = size_;
  for (size_t step = kSearchStep; step < end; step *= 2) {
    if (begin[end - step].offset <= offset) {
      from = end - step + 1;
      break;
    }
    end -= step;
  }
  const Stamp* const found =
      std::upper_bound(begin + from, begin + end, offset,
                       [](int64_t wanted, const Stamp& stamp) { return wanted < stamp.offset; });
  return static_cast<size_t>(found - begin);
}

bool SampleLeaf::Reaches(Timestamp time) const {
  constexpr int64_t kSpanMax = std::numeric_limits<uint32_t>::max();
  if (size_ == 0) return true;
  return last_time().millis() - time.millis() <= kSpanMax &&
         time.millis() - first_time().millis() <= kSpanMax;
}

void SampleLeaf::PrefetchBack(int64_t offset) const {
  // Samples of a series are about as far from each other as the others are.
  const auto behind =
      static_cast<size_t>((last_offset_ - offset) * size_ / std::max<int64_t>(last_offset_, 1)) + 1;
  for (size_t back = kLineSamples; back < std::min(behind + kLineSamples, kPrefetchSamplesMax);
       back += kLineSamples) {
    if (back > size_) return;
    __builtin_prefetch(values() + size_ - back, 1);
    __builtin_prefetch(stamps() + size_ - back, 1);
  }
}

void SampleLeaf::Grow() {
  // Many series are short: in small steps at first, by half later.
  const size_t step = capacity_ < 4 ? 4 : capacity_ < 20 ? 8 : capacity_ / 2u;
  Reserve(std::min(kSamplesMax, capacity_ + step));
}

void SampleLeaf::Reserve(size_t samples) {
  CHECK(samples <= kSamplesMax);
  if (samples <= capacity_) return;
  SampleLeaf larger;
  larger.block_ = std::make_unique_for_overwrite<std::byte[]>(samples * kSampleBytes);
  larger.capacity_ = static_cast<uint16_t>(samples);
  std::copy_n(values(), size_, larger.values());
  std::copy_n(stamps(), size_, larger.stamps());
  block_ = std::move(larger.block_);
  capacity_ = larger.capacity_;
}

void SampleLeaf::Rebase(int64_t base_ms) {
  const int64_t shift = base_ms_ - base_ms;
  for (size_t i = 0; i < size_; ++i) {
    stamps()[i].offset = static_cast<uint32_t>(stamps()[i].offset + shift);
  }
  last_offset_ = static_cast<uint32_t>(last_offset_ + shift);
  base_ms_ = base_ms;
}

void SampleLeaf::Insert(size_t index, const Sample& sample) {
  CHECK(!full() && index <= size_);
  if (size_ == capacity_) Grow();
  const int64_t ms = sample.time.millis();
  if (size_ == 0) {
    base_ms_ = ms;
  } else if (ms < base_ms_) {
    Rebase(ms);
  } else if (ms - base_ms_ > std::numeric_limits<uint32_t>::max()) {
    Rebase(first_time().millis());
  }
  if (index < size_) {
    MakeRoom(values(), index, size_);
    MakeRoom(stamps(), index, size_);
  }
  values()[index] = sample.value;
  stamps()[index] = {static_cast<uint32_t>(ms - base_ms_),
                     EncodeDelay(sample.time, sample.received_time)};
  ++size_;
  last_offset_ = stamps()[size_ - 1].offset;
}

void SampleLeaf::Replace(size_t index, const Sample& sample) {
  values()[index] = sample.value;
  stamps()[index].delay = EncodeDelay(sample.time, sample.received_time);
}

SampleLeaf SampleLeaf::SplitAt(size_t index) {
  SampleLeaf tail;
  tail.Reserve(size_ - index);
  for (size_t i = index; i < size_; ++i) tail.Insert(i - index, At(i));
  size_ = static_cast<uint16_t>(index);
  if (size_ > 0) last_offset_ = stamps()[size_ - 1].offset;
  return tail;
}

void SampleLeaf::DropFront(size_t count) {
  CHECK(count < size_);
  std::copy(values() + count, values() + size_, values());
  std::copy(stamps() + count, stamps() + size_, stamps());
  size_ = static_cast<uint16_t>(size_ - count);
}

}  // namespace alertjoin
