#include "ingest-service/prometheus/recently_settled.h"

#include <algorithm>

namespace alertjoin {

void RecentlySettled::Add(const Query& query, Timestamp time, Millis window) {
  const auto [entry, added] = entries_.emplace(std::pair(query, time), window);
  entry->second = std::max(entry->second, window);
  if (added) order_.push_back(entry);
  while (order_.size() > entries_max_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

std::optional<Millis> RecentlySettled::WindowOf(const Query& query, Timestamp time) const {
  const auto entry = entries_.find({query, time});
  if (entry == entries_.end()) return std::nullopt;
  return entry->second;
}

}  // namespace alertjoin
