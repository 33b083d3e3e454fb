#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "ingest-service/prometheus/sample_sink.h"

namespace alertjoin {

// Keeps all events, and reads them as the correlator would.
class CollectingSink final : public SampleSink {
 public:
  using Samples = std::map<Timestamp, double>;

  absl::Status Append(std::span<const Event> events) override EXCLUDES_LOCK(mutex_);

  // The samples of a query by series, stale markers among them; of equal times the later wins.
  std::map<LabelSet, Samples> SamplesOf(const std::string& query) const EXCLUDES_LOCK(mutex_);
  // How often a sample was emitted again with the same value.
  size_t repetitions() const EXCLUDES_LOCK(mutex_);
  std::vector<QueryProgress> ProgressOf(const std::string& query) const EXCLUDES_LOCK(mutex_);
  size_t EventCount() const EXCLUDES_LOCK(mutex_);
  std::vector<Event> Events() const EXCLUDES_LOCK(mutex_);
  // The newest word on how the source fares.
  std::optional<SourceStatus> StatusOf(const std::string& source) const EXCLUDES_LOCK(mutex_);

  // Waits until `condition` holds, looking after every append. False after 30 s.
  bool WaitUntil(const std::function<bool()>& condition) EXCLUDES_LOCK(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  size_t appends_ GUARDED_BY(mutex_) = 0;
  std::vector<Event> events_ GUARDED_BY(mutex_);
};

// The newest entry at or before `time`.
std::optional<std::pair<Timestamp, double>> AsOf(const CollectingSink::Samples& samples,
                                                 Timestamp time);

}  // namespace alertjoin
