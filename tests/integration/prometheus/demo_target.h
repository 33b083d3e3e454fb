#pragma once

#include <map>
#include <string>

#include "common/sync/mutex.h"
#include "tests/integration/prometheus/http_peer.h"

namespace alertjoin {

// Something to scrape, whose metrics a test sets.
class DemoTarget {
 public:
  DemoTarget();

  // `series` as in the text format: `queue_depth{queue="a"}`.
  void Set(const std::string& series, double value) EXCLUDES_LOCK(mutex_);
  void Remove(const std::string& series) EXCLUDES_LOCK(mutex_);
  // Waits until a scrape that began after this call has been stored: the one behind it has begun.
  // False after 30 s.
  bool AwaitScrape() EXCLUDES_LOCK(mutex_);
  int port() const { return peer_.port(); }

 private:
  std::string Scrape() EXCLUDES_LOCK(mutex_);

  Mutex mutex_;
  CondVar scraped_;
  std::map<std::string, double> series_ GUARDED_BY(mutex_);
  int scrapes_ GUARDED_BY(mutex_) = 0;
  HttpPeer peer_;
};

}  // namespace alertjoin
