#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>

#include "common/event/query.h"
#include "common/text/labels.h"

namespace alertjoin {

// A series: a query and the labels of one of its results. Immutable.
struct SeriesKey {
  std::shared_ptr<const Query> query;
  LabelSet labels;
};

// Series by number: 0, 1, ... in the order in which they were added. It only grows. A handle:
// copies are the same table, so that the batches of a stream share one and whoever follows the
// stream can keep what it knows of a series under its number.
//
// One thread adds. Others may meanwhile look at entries whose numbers were handed over to them
// after they were added, as the numbers in a batch are.
class SeriesTable {
 public:
  SeriesTable() : entries_(std::make_shared<Entries>()) {}
  SeriesTable(std::initializer_list<std::shared_ptr<const SeriesKey>> series) : SeriesTable() {
    for (const auto& added : series) push_back(added);
  }

  void push_back(std::shared_ptr<const SeriesKey> series) { entries_->Add(std::move(series)); }
  const std::shared_ptr<const SeriesKey>& operator[](size_t number) const {
    return entries_->At(number);
  }
  // For the thread that adds.
  size_t size() const { return entries_->size; }
  // Whether no handle but this one is left. A snapshot: others may be copied from it at any time.
  bool is_last_handle() const { return entries_.use_count() == 1; }

  // The same for all copies, and for nothing else as long as one of them lives.
  const void* id() const { return entries_.get(); }

 private:
  // In blocks of 16, 32, 64, ... that stay where they are.
  struct Entries {
    static constexpr size_t kFirstBlockLog2 = 4;
    static constexpr size_t kBlocksMax = 28;

    void Add(std::shared_ptr<const SeriesKey> series);
    const std::shared_ptr<const SeriesKey>& At(size_t number) const {
      const auto [block, offset] = Place(number);
      return blocks[block][offset];
    }
    static std::pair<size_t, size_t> Place(size_t number);

    std::array<std::unique_ptr<std::shared_ptr<const SeriesKey>[]>, kBlocksMax> blocks;
    size_t size = 0;
  };

  std::shared_ptr<Entries> entries_;
};

}  // namespace alertjoin
