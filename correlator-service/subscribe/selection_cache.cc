#include "correlator-service/subscribe/selection_cache.h"

#include <utility>

namespace alertjoin {

template <typename Stream>
StreamFilterSelections<Stream>::StreamFilterSelections(
    Filter filter, std::shared_ptr<std::atomic<size_t>> bytes_total, size_t bytes_total_max)
    : filter_(std::move(filter)),
      bytes_total_(std::move(bytes_total)),
      bytes_total_max_(bytes_total_max) {}

template <typename Stream>
StreamFilterSelections<Stream>::~StreamFilterSelections() {
  bytes_total_->fetch_sub(bytes_);
}

template <typename Stream>
SharedStreamSelection<Stream> StreamFilterSelections<Stream>::Of(const SharedChangeSet& set,
                                                                 bool keep) {
  MutexLock lock(mutex_);
  if (!keep) {
    while (!kept_.empty()) DropOldest();
    return SelectOf<Stream>(*set, filter_);
  }
  const auto found = kept_.find(set->sequence);
  if (found != kept_.end()) return found->second.selection;
  // Under the lock: who waits for it most likely wants the same set.
  Selection selection = SelectOf<Stream>(*set, filter_);
  const size_t bytes = selection == nullptr ? 0 : set->bytes;
  kept_.emplace(set->sequence, Kept{selection, bytes});
  bytes_ += bytes;
  bytes_total_->fetch_add(bytes);
  // That may be this one, of a subscriber that is far behind.
  while (IsFull() && kept_.size() > 1) DropOldest();
  return selection;
}

template <typename Stream>
void StreamFilterSelections<Stream>::DropOldest() {
  const auto oldest = kept_.begin();
  bytes_ -= oldest->second.bytes;
  bytes_total_->fetch_sub(oldest->second.bytes);
  kept_.erase(oldest);
}

template <typename Stream>
bool StreamFilterSelections<Stream>::IsFull() const {
  return kept_.size() > kSetsMax || bytes_ > kBytesMax || *bytes_total_ > bytes_total_max_;
}

template <typename Stream>
std::shared_ptr<StreamFilterSelections<Stream>> StreamSelectionCache<Stream>::Of(
    typename Stream::Filter filter) {
  std::string text = filter.ToString();
  MutexLock lock(mutex_);
  std::weak_ptr<StreamFilterSelections<Stream>>& known = by_filter_[text];
  std::shared_ptr<StreamFilterSelections<Stream>> selections = known.lock();
  if (selections == nullptr) {
    selections =
        std::make_shared<StreamFilterSelections<Stream>>(std::move(filter), bytes_, bytes_max_);
    known = selections;
    std::erase_if(by_filter_, [](const auto& entry) { return entry.second.expired(); });
  }
  return selections;
}

template class StreamFilterSelections<RowStream>;
template class StreamFilterSelections<AlertStream>;
template class StreamSelectionCache<RowStream>;
template class StreamSelectionCache<AlertStream>;

}  // namespace alertjoin
