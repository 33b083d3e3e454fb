#include "correlator-service/tables/sample_leaf.h"

#include <algorithm>
#include <limits>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// A delay is kept in its upper 31 bits, in milliseconds or, where the lowest bit is set, in
// seconds.
constexpr int64_t kDelayMax = (int64_t{1} << 30) - 1;

int32_t EncodeDelay(Timestamp time, Timestamp received) {
  const int64_t ms = (received - time).count();
  if (ms >= -kDelayMax && ms <= kDelayMax) return static_cast<int32_t>(ms * 2);
  const int64_t seconds = std::clamp(ms / 1000, -kDelayMax, kDelayMax);
  return static_cast<int32_t>(seconds * 2 + 1);
}

Timestamp DecodeDelay(Timestamp time, int32_t delay) {
  const int64_t amount = delay >> 1;
  return time + Millis((delay & 1) != 0 ? amount * 1000 : amount);
}

template <typename T>
void MakeRoom(T* column, size_t index, size_t size) {
  std::copy_backward(column + index, column + size, column + size + 1);
}

}  // namespace

Sample SampleLeaf::At(size_t index) const {
  const Timestamp at = time(index);
  return {at, value(index), DecodeDelay(at, delays()[index])};
}

size_t SampleLeaf::UpperBound(Timestamp time) const {
  const int64_t offset = time.millis() - base_ms_;
  if (offset < 0) return 0;
  if (offset > std::numeric_limits<uint32_t>::max()) return size_;
  const uint32_t* const begin = offsets();
  return static_cast<size_t>(std::upper_bound(begin, begin + size_, static_cast<uint32_t>(offset)) -
                             begin);
}

bool SampleLeaf::Reaches(Timestamp time) const {
  constexpr int64_t kSpanMax = std::numeric_limits<uint32_t>::max();
  if (size_ == 0) return true;
  return last_time().millis() - time.millis() <= kSpanMax &&
         time.millis() - first_time().millis() <= kSpanMax;
}

void SampleLeaf::Grow() {
  // By a quarter, in steps of four: most series are short, and there are many.
  const size_t wanted = std::min<size_t>(kSamplesMax, (capacity_ + capacity_ / 4u + 4u) / 4u * 4u);
  SampleLeaf larger;
  larger.block_ = std::make_unique_for_overwrite<std::byte[]>(wanted * kSampleBytes);
  larger.capacity_ = static_cast<uint16_t>(wanted);
  std::copy_n(values(), size_, larger.values());
  std::copy_n(offsets(), size_, larger.offsets());
  std::copy_n(delays(), size_, larger.delays());
  block_ = std::move(larger.block_);
  capacity_ = larger.capacity_;
}

void SampleLeaf::Rebase(int64_t base_ms) {
  const int64_t shift = base_ms_ - base_ms;
  for (size_t i = 0; i < size_; ++i) {
    offsets()[i] = static_cast<uint32_t>(offsets()[i] + shift);
  }
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
    MakeRoom(offsets(), index, size_);
    MakeRoom(delays(), index, size_);
  }
  values()[index] = sample.value;
  offsets()[index] = static_cast<uint32_t>(ms - base_ms_);
  delays()[index] = EncodeDelay(sample.time, sample.received_time);
  ++size_;
}

void SampleLeaf::Replace(size_t index, const Sample& sample) {
  values()[index] = sample.value;
  delays()[index] = EncodeDelay(sample.time, sample.received_time);
}

SampleLeaf SampleLeaf::SplitAt(size_t index) {
  SampleLeaf tail;
  for (size_t i = index; i < size_; ++i) tail.Insert(i - index, At(i));
  size_ = static_cast<uint16_t>(index);
  return tail;
}

void SampleLeaf::DropFront(size_t count) {
  CHECK(count < size_);
  std::copy(values() + count, values() + size_, values());
  std::copy(offsets() + count, offsets() + size_, offsets());
  std::copy(delays() + count, delays() + size_, delays());
  size_ = static_cast<uint16_t>(size_ - count);
}

}  // namespace alertjoin
