#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "correlator-service/rows/row_filter.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// A row as a subscriber is told of it.
struct RowEntry {
  SharedRow row;
  // What the change does to the table that the subscriber sees through its filter.
  Operation operation = Operation::kUpsert;
};

// Rows that are sent together, and their bytes. Immutable; thread-safe. Shared by all subscribers
// that are sent these rows.
class RowSelection {
 public:
  explicit RowSelection(std::vector<RowEntry> entries) : entries_(std::move(entries)) {}

  const std::vector<RowEntry>& entries() const { return entries_; }
  // The entries as a serialised v1::RowBatch. Made by the first call; others that come meanwhile
  // wait for it.
  const std::string& Serialised() const;

 private:
  const std::vector<RowEntry> entries_;
  mutable std::once_flag serialise_once_;
  mutable std::string serialised_;
};
using SharedSelection = std::shared_ptr<const RowSelection>;

// What a change set is to a subscriber with the filter: an UPSERT for each row that matches after
// it, a DELETE for each that matched only before it. Null when that is nothing.
SharedSelection SelectChanges(const ChangeSet& set, const RowFilter& filter);

// The entries of several selections, one after the other.
class RowEntries {
 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = RowEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = const RowEntry*;
    using reference = const RowEntry&;

    const_iterator() = default;
    const RowEntry& operator*() const { return (*part_)->entries()[index_]; }
    const RowEntry* operator->() const { return &**this; }
    const_iterator& operator++() {
      if (++index_ == (*part_)->entries().size()) *this = const_iterator(part_ + 1);
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const const_iterator&, const const_iterator&) = default;

   private:
    friend class RowEntries;
    using Part = std::vector<SharedSelection>::const_iterator;
    explicit const_iterator(Part part) : part_(part) {}

    Part part_;
    size_t index_ = 0;
  };

  // REQUIRES: it has entries.
  void Add(SharedSelection part) {
    size_ += part->entries().size();
    parts_.push_back(std::move(part));
  }

  const std::vector<SharedSelection>& parts() const { return parts_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const RowEntry& operator[](size_t index) const {
    return *std::next(begin(), static_cast<std::ptrdiff_t>(index));
  }
  const_iterator begin() const { return const_iterator(parts_.begin()); }
  const_iterator end() const { return const_iterator(parts_.end()); }

 private:
  std::vector<SharedSelection> parts_;
  size_t size_ = 0;
};

}  // namespace alertjoin
