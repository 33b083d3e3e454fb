#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/sync/mutex.h"
#include "ingest-service/prometheus/generator_url.h"

namespace alertjoin {

// What a generator URL says, which is a function of its text alone.
struct GeneratorUrl {
  std::optional<WebAddress> address;
  std::optional<std::string> expression;
};

// Takes generator URLs apart, and remembers the last ones: all alerts of a rule come with the same.
// Holds at most kUrlsMax of up to kUrlBytesRemembered bytes; when it is full it forgets them all.
// Thread-safe.
class GeneratorUrlMemo {
 public:
  static constexpr size_t kUrlsMax = 1024;
  static constexpr size_t kUrlBytesRemembered = 2 << 10;

  std::shared_ptr<const GeneratorUrl> Parse(const std::string& url) EXCLUDES_LOCK(mutex_);

  size_t size() const EXCLUDES_LOCK(mutex_);

 private:
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const GeneratorUrl>> known_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
