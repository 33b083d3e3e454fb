#include "correlator-service/pipeline/intake_parts.h"

#include <algorithm>
#include <span>
#include <utility>

namespace alertjoin {
namespace {

// Sizes of events in relation to each other, about: the bytes of a sample, and of one event of the
// other kinds.
constexpr size_t kSampleBytes = 40;
constexpr size_t kEventBytes = 250;

size_t RoughSize(const Event& event) {
  if (const auto* const samples = std::get_if<SampleBatch>(&event)) {
    return kEventBytes + samples->size() * kSampleBytes;
  }
  if (const auto* const payload = std::get_if<RawPayload>(&event)) {
    return kEventBytes + payload->body.size();
  }
  return kEventBytes;
}

template <typename T>
std::vector<T> Slice(const std::vector<T>& column, size_t begin, size_t count) {
  const auto slice = std::span(column).subspan(begin, count);
  return {slice.begin(), slice.end()};
}

// Makes the parts of one batch.
class Divider {
 public:
  // `bytes` and `rough_size` are of the same.
  Divider(const IntakeBatch& batch, size_t rough_size, size_t part_bytes)
      : bytes_(std::max<size_t>(batch.bytes, 1)),
        rough_size_(rough_size),
        part_size_max_(std::max<size_t>(1, Scale(part_bytes, rough_size_, bytes_))) {
    part_.position = batch.position;
    // Nothing of the batch has been taken.
    uint64_t& sequence = part_.position.last_sequence;
    sequence -= std::min<uint64_t>(sequence, batch.events.size());
  }

  void Add(Event event) {
    const size_t size = RoughSize(event);
    auto* const samples = std::get_if<SampleBatch>(&event);
    if (samples != nullptr && samples->size() > 0 && size > part_size_max_) {
      AddSlices(*samples);
    } else {
      AddToPart(std::move(event), size);
    }
    ++part_.position.last_sequence;
  }

  std::vector<IntakeBatch> Finish(std::function<void()> durable) {
    part_.durable = std::move(durable);
    EndPart();
    return std::move(parts_);
  }

 private:
  static size_t Scale(size_t value, size_t by, size_t of) {
    return static_cast<size_t>(static_cast<double>(value) * static_cast<double>(by) /
                               static_cast<double>(of));
  }

  void AddToPart(Event event, size_t size) {
    if (!part_.events.empty() && size_ + size > part_size_max_) EndPart();
    part_.events.push_back(std::move(event));
    size_ += size;
  }

  // Each ends a part but, maybe, the last.
  void AddSlices(const SampleBatch& samples) {
    const size_t columns_max = part_size_max_ - std::min(part_size_max_, kEventBytes);
    const size_t count_max = std::max<size_t>(1, columns_max / kSampleBytes);
    for (size_t begin = 0; begin < samples.size(); begin += count_max) {
      const size_t count = std::min(count_max, samples.size() - begin);
      SampleBatch slice{samples.series, Slice(samples.series_index, begin, count),
                        Slice(samples.times, begin, count), Slice(samples.values, begin, count),
                        samples.received_time};
      const size_t size = kEventBytes + count * kSampleBytes;
      AddToPart(std::move(slice), size);
      part_.is_continued = begin + count < samples.size();
    }
  }

  void EndPart() {
    ProducerPosition position = part_.position;
    part_.bytes = Scale(size_, bytes_, rough_size_);
    parts_.push_back(std::move(part_));
    part_ = IntakeBatch();
    part_.position = std::move(position);
    size_ = 0;
  }

  const size_t bytes_;
  const size_t rough_size_;
  const size_t part_size_max_;
  IntakeBatch part_;  // Its position is behind the last event that is in a part as a whole.
  size_t size_ = 0;   // Of part_, roughly.
  std::vector<IntakeBatch> parts_;
};

}  // namespace

std::vector<IntakeBatch> Divide(IntakeBatch batch, size_t part_bytes) {
  size_t rough_size = 0;
  for (const Event& event : batch.events) rough_size += RoughSize(event);
  Divider divider(batch, std::max<size_t>(rough_size, 1), part_bytes);
  for (Event& event : batch.events) divider.Add(std::move(event));
  return divider.Finish(std::move(batch.durable));
}

}  // namespace alertjoin
