#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// The samples of several batches of one stream by series, so that whoever works on them goes to
// each series once and not once for each batch. Keeps its memory from one use to the next. Not
// thread-safe.
class SampleOrder {
 public:
  using Batches = std::span<const SampleBatch* const>;
  // A sample: its batch, and its number there.
  struct Place {
    uint32_t batch;
    uint32_t sample;
    friend bool operator==(const Place&, const Place&) = default;
  };

  // False, and nothing else is to be asked, when it is not worth it: hardly a series has two
  // samples. REQUIRES: the batches have the same table of series, and fewer than 2^32 samples.
  bool Make(Batches batches);

  // Series [first_number(), first_number() + series_count()) of the table.
  uint32_t first_number() const { return first_number_; }
  size_t series_count() const { return begins_.size() - 1; }
  // Of the series first_number() + index, in the order in which they came. May be empty.
  std::span<const Place> places(size_t index) const {
    return std::span(places_).subspan(begins_[index], begins_[index + 1] - begins_[index]);
  }

 private:
  uint32_t first_number_ = 0;
  std::vector<uint32_t> begins_;  // In places_, of each series; and the end of the last one.
  std::vector<Place> places_;
};

}  // namespace alertjoin
