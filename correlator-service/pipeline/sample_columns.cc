#include "correlator-service/pipeline/sample_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>

namespace alertjoin {
namespace {

using google::protobuf::RepeatedField;

// A run takes two numbers.
constexpr size_t kSamplesPerRunMin = 2;

// `count` more entries of a column, to be written.
template <typename T>
T* Extend(RepeatedField<T>* column, size_t count) {
  column->Reserve(column->size() + static_cast<int>(count));
  return column->AddNAlreadyReserved(static_cast<int>(count));
}

void PackRefs(std::span<const uint32_t> numbers, std::span<const uint32_t> refs,
              v1::SampleBatch* samples, storage::v1::SampleColumns* columns) {
  const auto follows = [&](size_t i) { return refs[numbers[i]] == refs[numbers[i - 1]] + 1; };
  size_t runs = numbers.empty() ? 0 : 1;
  for (size_t i = 1; i < numbers.size(); ++i) runs += follows(i) ? 0 : 1;
  if (runs * kSamplesPerRunMin > numbers.size()) {
    uint32_t* ref = Extend(samples->mutable_series_refs(), numbers.size());
    for (const uint32_t number : numbers) *ref++ = refs[number];
    return;
  }
  for (size_t begin = 0; begin < numbers.size();) {
    size_t end = begin + 1;
    while (end < numbers.size() && follows(end)) ++end;
    columns->add_run_first_refs(refs[numbers[begin]]);
    columns->add_run_lengths(static_cast<uint32_t>(end - begin));
    begin = end;
  }
}

void PackTimes(std::span<const Timestamp> times, v1::SampleBatch* samples,
               storage::v1::SampleColumns* columns) {
  if (times.empty()) return;
  int64_t first = times[0].millis();
  int64_t last = first;
  for (const Timestamp time : times) {
    first = std::min(first, time.millis());
    last = std::max(last, time.millis());
  }
  if (last - first > std::numeric_limits<uint32_t>::max()) {
    int64_t* time_ms = Extend(samples->mutable_times_ms(), times.size());
    for (const Timestamp time : times) *time_ms++ = time.millis();
    return;
  }
  columns->set_base_time_ms(first);
  uint32_t* offset = Extend(columns->mutable_time_offsets_ms(), times.size());
  for (const Timestamp time : times) *offset++ = static_cast<uint32_t>(time.millis() - first);
}

// False: it is none that comes back with the same bits. So is -0.
bool IsWhole(double value) {
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max() &&
         std::bit_cast<uint64_t>(static_cast<double>(static_cast<int32_t>(value))) ==
             std::bit_cast<uint64_t>(value);
}

void PackValues(std::span<const double> values, v1::SampleBatch* samples,
                storage::v1::SampleColumns* columns) {
  if (!std::all_of(values.begin(), values.end(), IsWhole)) {
    samples->mutable_values()->Add(values.begin(), values.end());
    return;
  }
  int32_t* whole = Extend(columns->mutable_whole_values(), values.size());
  for (const double value : values) *whole++ = static_cast<int32_t>(value);
}

absl::Status UnpackRefs(const storage::v1::SampleColumns& columns, size_t samples_count,
                        v1::SampleBatch* samples) {
  const auto& firsts = columns.run_first_refs();
  const auto& lengths = columns.run_lengths();
  uint64_t left = samples_count;
  bool sound = firsts.size() == lengths.size();
  for (int i = 0; sound && i < firsts.size(); ++i) {
    sound = lengths[i] <= left && lengths[i] <= std::numeric_limits<uint32_t>::max() - firsts[i];
    left -= sound ? lengths[i] : 0;
  }
  if (!sound) return absl::InvalidArgumentError("runs of references do not fit the samples");
  uint32_t* ref = Extend(samples->mutable_series_refs(), samples_count - left);
  for (int i = 0; i < firsts.size(); ++i) {
    for (uint32_t step = 0; step < lengths[i]; ++step) *ref++ = firsts[i] + step;
  }
  return absl::OkStatus();
}

}  // namespace

void PackColumns(const SampleBatch& batch, std::span<const uint32_t> refs, v1::SampleBatch* samples,
                 storage::v1::SampleColumns* columns) {
  PackRefs(batch.series_index, refs, samples, columns);
  PackTimes(batch.times, samples, columns);
  PackValues(batch.values, samples, columns);
}

absl::Status UnpackColumns(const storage::v1::SampleColumns& columns, v1::SampleBatch* samples) {
  const auto& offsets = columns.time_offsets_ms();
  int64_t* time_ms = Extend(samples->mutable_times_ms(), static_cast<size_t>(offsets.size()));
  // In a type that does not overflow: damaged bytes may hold anything.
  const auto base = static_cast<uint64_t>(columns.base_time_ms());
  for (const uint32_t offset : offsets) *time_ms++ = static_cast<int64_t>(base + offset);
  const auto& whole = columns.whole_values();
  double* value = Extend(samples->mutable_values(), static_cast<size_t>(whole.size()));
  for (const int32_t number : whole) *value++ = number;
  return UnpackRefs(columns, static_cast<size_t>(samples->times_ms_size()), samples);
}

}  // namespace alertjoin
