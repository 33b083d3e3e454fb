#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/prometheus/series_history.h"

namespace alertjoin {

// A series of a query, as far as this process has seen it.
struct KnownSeries {
  explicit KnownSeries(std::shared_ptr<const SeriesKey> series_key) : key(std::move(series_key)) {}

  const std::shared_ptr<const SeriesKey> key;
  SeriesHistory history;
  Timestamp last_heard_of;  // When an answer last had it.

  // Whether the newest word on the series in (after, through] is a value, not a stale marker.
  bool HasValueIn(Timestamp after, Timestamp through) const;
};

// The known series of one query: what was emitted of them, and since when the claims of
// completeness hold. Polls and exact queries of the query share it. Series stay where they are
// until forgotten. Not thread-safe.
class SeriesCache {
 public:
  SeriesCache(std::shared_ptr<const Query> query, size_t series_max);

  // Null when the series is not known and there is no room for it.
  KnownSeries* FindOrAdd(const LabelSet& labels);
  const KnownSeries* Find(const LabelSet& labels) const;

  // In no order. `visit` must not add series.
  void ForEach(const std::function<void(KnownSeries&)>& visit);
  // Whether a series satisfies `wanted`.
  bool AnyOf(const std::function<bool(const KnownSeries&)>& wanted) const;

  // A series was seen to have gone at `time`, at some moment since the evaluation before it.
  void RecordDisappearance(Timestamp time);
  // The latest disappearance at or before `through` and after `from`; `from` when there is none.
  // Presence is not known for sure before it.
  Timestamp CertainFrom(Timestamp from, Timestamp through) const;

  // The expression was evaluated at `time` for good: a series that has no value at exactly that
  // time has none then, whatever becomes known of earlier times.
  void RecordEvaluation(Timestamp time);
  // The recorded evaluations after `time`, oldest first.
  std::vector<Timestamp> EvaluationsAfter(Timestamp time) const;

  // Forgets samples before `samples_horizon` (but the newest of a series), and series last heard of
  // before `series_horizon`, with the evaluations of then. Pointers to those series become invalid.
  void Forget(Timestamp samples_horizon, Timestamp series_horizon);

  // Why the source refuses the query, as was told (query_fault.h); empty when it does not.
  const std::string& reported_fault() const { return reported_fault_; }
  void set_reported_fault(std::string fault) { reported_fault_ = std::move(fault); }

  const std::shared_ptr<const Query>& query() const { return query_; }
  size_t size() const { return series_.size(); }

 private:
  struct LabelSetHash {
    size_t operator()(const LabelSet& labels) const { return labels.Hash(); }
  };

  const std::shared_ptr<const Query> query_;
  const size_t series_max_;
  std::unordered_map<LabelSet, KnownSeries, LabelSetHash> series_;
  std::vector<Timestamp> disappearances_;  // Ordered, each once.
  std::vector<Timestamp> evaluations_;     // Ordered, each once.
  std::string reported_fault_;
};

}  // namespace alertjoin
