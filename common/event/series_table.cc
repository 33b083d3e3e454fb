#include "common/event/series_table.h"

#include <bit>

#include "common/status/status.h"

namespace alertjoin {

std::pair<size_t, size_t> SeriesTable::Entries::Place(size_t number) {
  constexpr size_t kFirst = size_t{1} << kFirstBlockLog2;
  const size_t shifted = number + kFirst;
  const auto log2 = static_cast<size_t>(std::bit_width(shifted)) - 1;
  return {log2 - kFirstBlockLog2, shifted - (size_t{1} << log2)};
}

void SeriesTable::Entries::Add(std::shared_ptr<const SeriesKey> series) {
  const auto [block, offset] = Place(size);
  CHECK(block < kBlocksMax);
  if (blocks[block] == nullptr) {
    const size_t entries = size_t{1} << (block + kFirstBlockLog2);
    blocks[block] = std::make_unique<std::shared_ptr<const SeriesKey>[]>(entries);
  }
  blocks[block][offset] = std::move(series);
  ++size;
}

}  // namespace alertjoin
