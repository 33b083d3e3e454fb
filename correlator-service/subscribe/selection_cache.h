#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/sync/mutex.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/row_selection.h"

namespace alertjoin {

// What the changes of a store are to the subscribers with one filter. While there are several, each
// of the newest change sets is filtered and serialised once for all of them. Thread-safe. Held by
// shared_ptr: by each of these subscribers.
template <typename Stream>
class StreamFilterSelections {
 public:
  using Filter = typename Stream::Filter;
  using Selection = SharedStreamSelection<Stream>;

  // Of one filter, but for the newest set, which is kept whatever it takes.
  static constexpr size_t kSetsMax = 1024;
  static constexpr size_t kBytesMax = 8 << 20;

  // `bytes_total` counts what all filters keep, up to `bytes_total_max`.
  StreamFilterSelections(Filter filter, std::shared_ptr<std::atomic<size_t>> bytes_total,
                         size_t bytes_total_max);
  ~StreamFilterSelections();
  StreamFilterSelections(const StreamFilterSelections&) = delete;
  StreamFilterSelections& operator=(const StreamFilterSelections&) = delete;

  const Filter& filter() const { return filter_; }
  // As SelectOf. With `keep` the selection is kept for others that ask for the same set;
  // without, everything kept is forgotten.
  Selection Of(const SharedChangeSet& set, bool keep) EXCLUDES_LOCK(mutex_);

 private:
  struct Kept {
    Selection selection;  // Null: nothing of the set concerns the filter.
    size_t bytes = 0;
  };

  void DropOldest() REQUIRES_LOCK(mutex_);
  bool IsFull() const REQUIRES_LOCK(mutex_);

  const Filter filter_;
  const std::shared_ptr<std::atomic<size_t>> bytes_total_;
  const size_t bytes_total_max_;

  Mutex mutex_;
  std::map<Sequence, Kept> kept_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
};

// The selections of all filters that have subscribers. Of one store. Thread-safe.
template <typename Stream>
class StreamSelectionCache {
 public:
  static constexpr size_t kBytesMax = 64 << 20;

  explicit StreamSelectionCache(size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  // The same object for equal filters as long as somebody holds it.
  std::shared_ptr<StreamFilterSelections<Stream>> Of(typename Stream::Filter filter)
      EXCLUDES_LOCK(mutex_);

  // About what is kept.
  size_t bytes() const { return *bytes_; }

 private:
  const size_t bytes_max_;
  const std::shared_ptr<std::atomic<size_t>> bytes_ = std::make_shared<std::atomic<size_t>>(0);

  Mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<StreamFilterSelections<Stream>>> by_filter_
      GUARDED_BY(mutex_);
};

using FilterSelections = StreamFilterSelections<RowStream>;
using SelectionCache = StreamSelectionCache<RowStream>;
using AlertSelectionCache = StreamSelectionCache<AlertStream>;

}  // namespace alertjoin
