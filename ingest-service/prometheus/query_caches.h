#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "common/event/event.h"
#include "ingest-service/prometheus/series_cache.h"

namespace alertjoin {

struct QueryCachesOptions {
  size_t queries_max = 10'000;
  size_t series_per_query_max = 100'000;
  // How long samples, series, and queries that nobody holds are remembered.
  Millis samples_kept = std::chrono::minutes(10);
  Millis idle_kept = std::chrono::hours(1);
};

// The known series of every query that is polled or asked exactly. Not thread-safe.
class QueryCaches {
 public:
  explicit QueryCaches(QueryCachesOptions options) : options_(options) {}

  // The series of the query; forgotten some time after the last holder has let go. Null when there
  // are too many queries.
  std::shared_ptr<SeriesCache> Find(const Query& query, Timestamp now);

  // Forgets what is old in one cache; `samples_kept` when that is longer than the options' own.
  void Forget(SeriesCache& cache, Millis samples_kept, Timestamp now) const;

  const QueryCachesOptions& options() const { return options_; }
  size_t size() const { return caches_.size(); }

 private:
  struct Held {
    std::shared_ptr<SeriesCache> cache;
    Timestamp last_asked;
  };
  void ForgetIdle(Timestamp now);

  const QueryCachesOptions options_;
  std::map<Query, Held> caches_;
  Timestamp next_sweep_;
};

}  // namespace alertjoin
