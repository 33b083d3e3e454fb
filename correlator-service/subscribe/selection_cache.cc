#include "correlator-service/subscribe/selection_cache.h"

#include <utility>

namespace alertjoin {

FilterSelections::FilterSelections(RowFilter filter,
                                   std::shared_ptr<std::atomic<size_t>> bytes_total,
                                   size_t bytes_total_max)
    : filter_(std::move(filter)),
      bytes_total_(std::move(bytes_total)),
      bytes_total_max_(bytes_total_max) {}

FilterSelections::~FilterSelections() { bytes_total_->fetch_sub(bytes_); }

SharedSelection FilterSelections::Of(const SharedChangeSet& set, bool keep) {
  MutexLock lock(mutex_);
  if (!keep) {
    while (!kept_.empty()) DropOldest();
    return SelectChanges(*set, filter_);
  }
  const auto found = kept_.find(set->sequence);
  if (found != kept_.end()) return found->second.selection;
  // Under the lock: who waits for it most likely wants the same set.
  SharedSelection selection = SelectChanges(*set, filter_);
  const size_t bytes = selection == nullptr ? 0 : set->bytes;
  kept_.emplace(set->sequence, Kept{selection, bytes});
  bytes_ += bytes;
  bytes_total_->fetch_add(bytes);
  // That may be this one, of a subscriber that is far behind.
  while (IsFull() && kept_.size() > 1) DropOldest();
  return selection;
}

void FilterSelections::DropOldest() {
  const auto oldest = kept_.begin();
  bytes_ -= oldest->second.bytes;
  bytes_total_->fetch_sub(oldest->second.bytes);
  kept_.erase(oldest);
}

bool FilterSelections::IsFull() const {
  return kept_.size() > kSetsMax || bytes_ > kBytesMax || *bytes_total_ > bytes_total_max_;
}

std::shared_ptr<FilterSelections> SelectionCache::Of(RowFilter filter) {
  std::string text = filter.ToString();
  MutexLock lock(mutex_);
  std::weak_ptr<FilterSelections>& known = by_filter_[text];
  std::shared_ptr<FilterSelections> selections = known.lock();
  if (selections == nullptr) {
    selections = std::make_shared<FilterSelections>(std::move(filter), bytes_, bytes_max_);
    known = selections;
    std::erase_if(by_filter_, [](const auto& entry) { return entry.second.expired(); });
  }
  return selections;
}

}  // namespace alertjoin
