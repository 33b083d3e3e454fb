#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/subscribe/streams.h"

namespace alertjoin {

// Entries that are sent together, and their bytes. Immutable; thread-safe. Shared by all
// subscribers that are sent these.
template <typename Stream>
class StreamSelection {
 public:
  using Entry = typename Stream::Entry;

  explicit StreamSelection(std::vector<Entry> entries) : entries_(std::move(entries)) {}

  const std::vector<Entry>& entries() const { return entries_; }
  // The entries as the API's batch of them. Made by the first call; others that come meanwhile wait
  // for it.
  const std::string& Serialised() const {
    std::call_once(serialise_once_, [this] { serialised_ = Stream::Serialise(entries_); });
    return serialised_;
  }

 private:
  const std::vector<Entry> entries_;
  mutable std::once_flag serialise_once_;
  mutable std::string serialised_;
};
template <typename Stream>
using SharedStreamSelection = std::shared_ptr<const StreamSelection<Stream>>;

// What a change set is to a subscriber with the filter. Null when that is nothing.
template <typename Stream>
SharedStreamSelection<Stream> SelectOf(const ChangeSet& set,
                                       const typename Stream::Filter& filter) {
  auto selected = Stream::Select(set, filter);
  if (selected.empty()) return nullptr;
  return std::make_shared<const StreamSelection<Stream>>(std::move(selected));
}

// The entries of several selections, one after the other.
template <typename Stream>
class StreamEntries {
 public:
  using Entry = typename Stream::Entry;
  using Part = SharedStreamSelection<Stream>;

  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;

    const_iterator() = default;
    const Entry& operator*() const { return (*part_)->entries()[index_]; }
    const Entry* operator->() const { return &**this; }
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
    friend class StreamEntries;
    using Place = typename std::vector<Part>::const_iterator;
    explicit const_iterator(Place part) : part_(part) {}

    Place part_;
    size_t index_ = 0;
  };

  // REQUIRES: it has entries.
  void Add(Part part) {
    size_ += part->entries().size();
    parts_.push_back(std::move(part));
  }

  const std::vector<Part>& parts() const { return parts_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Entry& operator[](size_t index) const {
    return *std::next(begin(), static_cast<std::ptrdiff_t>(index));
  }
  const_iterator begin() const { return const_iterator(parts_.begin()); }
  const_iterator end() const { return const_iterator(parts_.end()); }

 private:
  std::vector<Part> parts_;
  size_t size_ = 0;
};

using RowSelection = StreamSelection<RowStream>;
using AlertSelection = StreamSelection<AlertStream>;
using SharedSelection = SharedStreamSelection<RowStream>;
using RowEntries = StreamEntries<RowStream>;
using AlertEntries = StreamEntries<AlertStream>;

inline SharedSelection SelectChanges(const ChangeSet& set, const RowFilter& filter) {
  return SelectOf<RowStream>(set, filter);
}

}  // namespace alertjoin
