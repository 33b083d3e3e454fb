#include "ingest-service/prometheus/query_caches.h"

#include <algorithm>

namespace alertjoin {

std::shared_ptr<SeriesCache> QueryCaches::Find(const Query& query, Timestamp now) {
  ForgetIdle(now);
  const auto known = caches_.find(query);
  if (known != caches_.end()) {
    known->second.last_asked = now;
    return known->second.cache;
  }
  if (caches_.size() >= options_.queries_max) return nullptr;
  auto cache = std::make_shared<SeriesCache>(std::make_shared<const Query>(query),
                                             options_.series_per_query_max);
  caches_.emplace(query, Held{cache, now});
  return cache;
}

void QueryCaches::Forget(SeriesCache& cache, Millis samples_kept, Timestamp now) const {
  cache.Forget(now - std::max(samples_kept, options_.samples_kept), now - options_.idle_kept);
}

void QueryCaches::ForgetIdle(Timestamp now) {
  if (now < next_sweep_ && next_sweep_ <= now + options_.idle_kept) return;
  next_sweep_ = now + std::min(options_.idle_kept, Millis(std::chrono::minutes(1)));
  for (auto held = caches_.begin(); held != caches_.end();) {
    const bool idle =
        held->second.cache.use_count() == 1 && held->second.last_asked + options_.idle_kept < now;
    held = idle ? caches_.erase(held) : std::next(held);
  }
}

}  // namespace alertjoin
