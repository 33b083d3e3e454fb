#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/sample_sink.h"
#include "ingest-service/prometheus/series_cache.h"

namespace alertjoin {

// What one answer adds to a query's known series: collects what is new and hands it to the sink in
// one append. The cache sees it at once; unless the sink takes it, the destructor takes it back, so
// that the next answer brings it again. Not thread-safe. The cache must outlive it, and no series
// may be forgotten meanwhile.
class SampleTransaction {
 public:
  SampleTransaction(SeriesCache& cache, Timestamp now) : cache_(cache), now_(now) {}
  ~SampleTransaction();
  SampleTransaction(const SampleTransaction&) = delete;
  SampleTransaction& operator=(const SampleTransaction&) = delete;

  // The series, made known if need be. Null, and counted, when the cache or a limit of the events
  // (labels, UTF-8) has no room for it.
  KnownSeries* SeriesOf(const LabelSet& labels);

  // Adds the sample unless it has been emitted already, with the same value.
  void Add(KnownSeries& series, Timestamp time, double value);
  // Adds every sample of the series.
  void AddAll(const QueryResult& result);
  // Adds a stale marker when the newest word on the series in (after, time] is a value. Tells
  // whether it did.
  bool AddStaleMarker(KnownSeries& series, Timestamp after, Timestamp time);
  // Adds a stale marker wherever a sample added here would be taken for the value at an evaluation
  // that had none (SeriesCache::RecordEvaluation).
  void AddMarkersAtEvaluations();
  // Records the evaluation in the cache once the sink has taken it.
  void RecordEvaluation(Timestamp time) { evaluated_at_ = time; }
  void Claim(Timestamp complete_from, Timestamp complete_through);
  void ReportGap(std::optional<Timestamp> from, std::optional<Timestamp> through,
                 std::string reason);

  // Appends what was collected: samples, then progress. OK without an append when there is nothing.
  // Once only. Errors are the sink's; INVALID_ARGUMENT becomes INTERNAL.
  absl::Status Commit(SampleSink& sink);

  size_t samples() const { return samples_; }
  size_t stale_markers() const { return stale_markers_; }
  // Series that could not be taken.
  size_t series_refused() const { return series_refused_; }
  SeriesCache& cache() { return cache_; }

 private:
  struct Undo {
    KnownSeries* series;
    Timestamp time;
    std::optional<double> previous;
  };

  SeriesCache& cache_;
  const Timestamp now_;
  SampleBatch batch_;
  std::unordered_map<const KnownSeries*, uint32_t> index_of_;
  std::vector<Undo> undo_;
  std::optional<std::pair<Timestamp, Timestamp>> claim_;
  std::optional<Timestamp> evaluated_at_;
  std::vector<Gap> gaps_;
  size_t samples_ = 0;
  size_t stale_markers_ = 0;
  size_t series_refused_ = 0;
};

}  // namespace alertjoin
