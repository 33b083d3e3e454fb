#include "ingest-service/prometheus/generator_url_memo.h"

namespace alertjoin {

std::shared_ptr<const GeneratorUrl> GeneratorUrlMemo::Parse(const std::string& url) {
  {
    MutexLock lock(mutex_);
    const auto known = known_.find(url);
    if (known != known_.end()) return known->second;
  }
  auto parsed = std::make_shared<const GeneratorUrl>(
      GeneratorUrl{AddressOf(url), ExpressionOfGeneratorUrl(url)});
  if (url.size() > kUrlBytesRemembered) return parsed;
  MutexLock lock(mutex_);
  if (known_.size() >= kUrlsMax) known_.clear();
  known_.emplace(url, parsed);
  return parsed;
}

size_t GeneratorUrlMemo::size() const {
  MutexLock lock(mutex_);
  return known_.size();
}

}  // namespace alertjoin
