#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/backfill/time_ranges.h"
#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {

// The events that a chunk's answers make, in the order in which they are to be appended: what is
// claimed comes last. An answer that is partial, or has series that cannot be taken, claims nothing
// and proves no end.
struct BackfillChunkEvents {
  std::vector<Event> events;
  size_t samples = 0;  // Stale markers included.
  size_t points = 0;   // Of the answer, and the most of one series.
  size_t series_points_max = 0;
  size_t series_refused = 0;  // Their labels break a limit, or there are too many.
};

// Turns the answers to chunks of one query into events: samples, stale markers, and progress for
// exactly what was proved. Remembers from chunk to chunk how each series ended, so that what lies
// between is known too; a chunk that does not follow on the last one begins anew. The same answers
// give the same samples however the time is cut into chunks, but for the stale markers.
// Not thread-safe.
class BackfillEvents {
 public:
  static constexpr size_t kSeriesMax = 100'000;
  static constexpr size_t kSamplesPerEvent = 20'000;
  // Claims of one chunk; what is beyond is not claimed, which is always right.
  static constexpr size_t kClaimsMax = 1'000;

  // `lookback` is how long an instant query keeps a value alive.
  BackfillEvents(const Query& query, Millis lookback);

  // A plain selector. `samples` are raw samples of the chunk (others are left out), `presence` is
  // the selector evaluated at the chunk's end.
  //
  // A range shows no stale markers. So what is claimed are the times between samples that stand as
  // close as the series' usually do, and those up to the end of the chunk where the series still
  // has a value then. A series that has a sample within the lookback but no value at the end gets a
  // stale marker there.
  BackfillChunkEvents OfSelector(TimeRange chunk, const QueryResult& samples,
                                 const QueryResult& presence, Timestamp now);

  // An expression at chunk.from, chunk.from + step, ..., chunk.through. A series that has no value
  // at one of these times, but had one at the time before, gets a stale marker. Each of the times
  // is claimed, for itself, as long as they are few enough.
  BackfillChunkEvents OfGrid(TimeRange chunk, Millis step, const QueryResult& values,
                             Timestamp now);

 private:
  struct Series {
    uint32_t number = 0;  // In `table_`.
    Timestamp last;       // Of its last value.
    bool alive = false;   // Nothing says that it has ended since.
    Millis spacing{0};    // Its usual distance of samples; 0: not known.
    bool seen = false;    // In the answer at hand.
  };
  struct LabelSetHash {
    size_t operator()(const LabelSet& labels) const { return labels.Hash(); }
  };
  class Batches;

  // Null, and counted, when it cannot be taken.
  Series* SeriesOf(const LabelSet& labels, BackfillChunkEvents& out);
  void Begin(TimeRange chunk, Millis distance);
  void LeaveIncomplete(TimeRange chunk, BackfillChunkEvents& out);
  void AddSelectorSeries(Series& series, const ResultSeries& found, TimeRange chunk,
                         Batches& batches, TimeRanges& unproven);
  void AddSelectorEnds(TimeRange chunk, const QueryResult& presence, Batches& batches,
                       TimeRanges& unproven);
  void AddGridSeries(Series& series, const ResultSeries& found, TimeRange chunk, Millis step,
                     bool complete, Batches& batches);

  const std::shared_ptr<const Query> query_;
  const Millis lookback_;
  SeriesTable table_;
  std::unordered_map<LabelSet, Series, LabelSetHash> series_;
  std::optional<Timestamp> through_;  // The end of the chunk before.
  bool continued_ = false;            // The chunk at hand follows on it.
};

}  // namespace alertjoin
