#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "correlator-service/join/binding_directory.h"
#include "correlator-service/join/engine_state.h"
#include "correlator-service/join/episodes.h"
#include "correlator-service/join/prefetch.h"
#include "correlator-service/join/row_table.h"
#include "correlator-service/join/sample_order.h"
#include "correlator-service/join/series_directory.h"
#include "correlator-service/model/alert.h"

namespace alertjoin {

// Of one engine. At a limit, what would go beyond it is refused and counted; nothing is evicted.
struct EngineLimits {
  size_t series_max = 1'000'000;
  size_t rows_max = 2'000'000;
  // Of one metrics source, and alerts (fingerprints) of one alert source: so that one that goes mad
  // does not take what the others need.
  size_t source_series_max = SIZE_MAX;
  size_t source_alerts_max = SIZE_MAX;
  // Memory of the samples, beyond the last few of each series; of the series, with these; of the
  // rows and their transitions.
  uint64_t sample_bytes_max = uint64_t{4} << 30;
  uint64_t series_bytes_max = uint64_t{2} << 30;
  uint64_t row_bytes_max = uint64_t{4} << 30;
};

// What has been applied so far.
struct EngineStats {
  uint64_t samples_new = 0;        // Newer than all others of their series.
  uint64_t samples_late = 0;       // Behind others of their series.
  uint64_t samples_replaced = 0;   // Another value at a known time.
  uint64_t samples_unchanged = 0;  // Known already.
  uint64_t samples_expired = 0;    // Refused: older than the sample horizon.
  uint64_t samples_refused = 0;    // Refused: beyond the limit on series, or on the samples' bytes.
  uint64_t notifications = 0;
  uint64_t notifications_repeated = 0;  // Said nothing new.
  uint64_t notifications_expired = 0;   // Refused: older than the row horizon.
  // Refused beyond the limits on rows: rows, and notifications that would make some.
  uint64_t rows_refused = 0;
  uint64_t alerts_refused = 0;  // Notifications of new alerts, beyond the share of their source.
  uint64_t revisions_after_final = 0;
  size_t series = 0;
  size_t rows = 0;
  // Memory in use: counted, not estimated, but for what the transitions hold.
  uint64_t sample_bytes = 0;
  uint64_t series_bytes = 0;
  uint64_t row_bytes = 0;
};

// The continuous as-of join: takes events, gives row changes. What it gives depends on the events
// alone; after the same set of events, in any order and with any repetitions, the rows are the same
// (ids, match states, values, sample times, final marks). It assumes nothing about other engines,
// so that one may stand for each partition of the join key. Not thread-safe.
class Engine {
 public:
  explicit Engine(EngineLimits limits)
      : limits_(limits), rows_(limits.rows_max, limits.row_bytes_max) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Applies the events and gives the changes that follow, at most one revision of each row. The
  // changes of one transition are adjacent, its DELETEs first; transitions stand in the order in
  // which they were first touched. Where samples and transitions follow each other with nothing
  // else between, the samples are applied first (those of one stream perhaps by series, as
  // SampleOrder has them) and then the transitions as they came; what is neither keeps its place.
  // The transitions that one sample or one other event touches stand in no particular order.
  std::vector<JoinedRow> Apply(std::vector<Event> events, Timestamp applied_at);

  // Forgets samples before `sample_horizon` (but for the last one of each series) and the rows of
  // episodes that ended before `row_horizon`, and gives the DELETEs of the latter. Samples and
  // notifications from before the horizons are refused from then on, and rows from before the
  // sample horizon keep the match they have. Horizons never move back.
  std::vector<JoinedRow> Expire(Timestamp sample_horizon, Timestamp row_horizon,
                                Timestamp applied_at);

  // The reports that the last Apply or Expire changed, as they stand; those that are gone have
  // neither side. For a store from which EngineRestore can make the same engine.
  std::vector<AlertReport> ChangedReports() const;

  // The alerts that the last Apply or Expire may have changed, as they stand, by id and each once;
  // those that are gone as DELETEs. They follow from the reports alone. Which of them readers see a
  // difference in, who keeps them must find out. The next call gives none of them again.
  std::vector<Alert> TakeAlerts();

  // What Expire has forgotten and Apply refuses.
  Timestamp sample_horizon() const { return sample_horizon_; }
  Timestamp row_horizon() const { return row_horizon_; }

  // What a log must be told again before everything that has no samples after `through` is cut off
  // it: the sample of each series that is kept from then, and the coverage and the last error of
  // all queries. An engine that is told all that came later, and this by Carry, has the same
  // tables. REQUIRES: `through` < sample_horizon(), so that no series has more than one such
  // sample.
  std::vector<Event> CarryOver(Timestamp through) const;
  // Takes what CarryOver gave: a sample only when none is known of its time, and whatever the
  // horizon.
  void Carry(const std::vector<Event>& carried);

  // For each query with progress, the interval that reaches furthest.
  std::vector<QueryProgress> Progress() const;

  // All rows as they stand after Apply or Expire, in no particular order.
  std::vector<JoinedRow> Rows() const;

  EngineStats stats() const;

 private:
  friend class EngineRestore;
  friend class TableReader;

  struct AlertId {
    std::string_view source;
    std::string_view fingerprint;
    size_t hash;  // Of both.

    AlertId(std::string_view of_source, std::string_view its_fingerprint);
  };
  struct KnownAlert {
    AlertHistory history;
    std::string source;
    std::string fingerprint;
  };
  // An alert's place in the table, with the hash of its id: to say which alert may be meant, no
  // alert need be read.
  struct AlertPlace {
    size_t hash;
    std::unique_ptr<KnownAlert> alert;
  };
  struct AlertHash {
    using is_transparent = void;
    size_t operator()(const AlertPlace& place) const { return place.hash; }
    size_t operator()(const AlertId& id) const { return id.hash; }
    size_t operator()(HashOnly hash) const { return hash.value; }
  };
  struct AlertEqual {
    using is_transparent = void;
    bool operator()(const AlertPlace& a, const AlertPlace& b) const { return a.alert == b.alert; }
    bool operator()(const AlertPlace& a, const AlertId& b) const {
      return a.hash == b.hash && a.alert->fingerprint == b.fingerprint &&
             a.alert->source == b.source;
    }
    bool operator()(const AlertPlace& a, HashOnly b) const { return a.hash == b.value; }
  };

  // A transition, and what was found out about it when its memory was asked for.
  struct PreparedTransition {
    const Shared<TransitionEvent>* event;
    AlertId id;
    // Its first binding and its key there, where the binding is known and matches `on`.
    const BindingState* binding = nullptr;
    MatchGroup::BucketKey key = {};
  };
  void ApplyTransition(const PreparedTransition& prepared);
  // Transitions are applied in groups.
  void ApplyEvent(const Shared<TransitionEvent>& event) {
    ApplyTransition({&event, {event->source, event->fingerprint}});
  }
  void ApplyEvent(const SampleBatch& batch) { ApplyBatches(std::array{&batch}); }
  void ApplyEvent(const QueryProgress& progress);
  void ApplyEvent(const Gap& gap);
  void ApplyEvent(const QueryError& error);
  // Kept for people, not for the join.
  void ApplyEvent(const RawPayload&) {}
  void ApplyEvent(const SourceStatus&) {}

  // Null when there is no room for a new series.
  SeriesState* SeriesOf(SeriesDirectory::Stream& stream, uint32_t number);
  SeriesState* AddSeries(const std::shared_ptr<const SeriesKey>& key, bool limited = true);
  // Samples and transitions alone, in a row. Which rows follow from them does not depend on their
  // order among each other, so that the samples come first and then the transitions: what is done
  // together waits for memory together.
  void ApplyStretch(std::span<const Event> events);
  using TransitionGroup = std::span<const Shared<TransitionEvent>* const>;
  void ApplyGroup(TransitionGroup group);
  // Fills prepared_, and asks the processor for the memory that applying the transitions will
  // touch. Changes nothing else.
  void Prepare(TransitionGroup group);
  void PrefetchMatches() const;
  // Of one stream, one after the other.
  void ApplyBatches(SampleOrder::Batches batches);
  // The same by series, as sample_order_ has them; none is older than the horizon.
  void ApplyBySeries(SampleOrder::Batches batches);
  void ApplyAsTheyCame(SampleOrder::Batches batches);
  struct PlacedSample {
    SeriesState* series = nullptr;
    Sample sample;
  };
  void ApplyChunk(std::span<const PlacedSample> chunk);
  void ApplySample(SeriesState& series, const Sample& sample);
  void CarrySamples(const SampleBatch& batch);
  // Counts it, and takes care that no progress speaks for it.
  void RefuseSample(QueryState& query, Timestamp time);
  // A sample was put into the series at `time`, before the one at `next`.
  void TouchRows(SeriesState& series, Timestamp time, std::optional<Timestamp> next, Cause reason);

  // An episode that readers of alerts may see a difference in.
  struct NotedAlert {
    // Null: its id is in `description` already. An id is a hash, and not made before it is needed.
    const KnownAlert* alert = nullptr;
    Timestamp episode;
    Alert description;
  };
  // What the notification means for readers of alerts. Comes before Reconcile, since it looks at
  // what was known before.
  void NoteAlerts(const KnownAlert& alert, const AlertHistory::Changes& changes);
  void NoteGone(const KnownAlert& alert, Timestamp episode);

  // The alert, made anew when it is not known.
  KnownAlert& AlertOf(const AlertId& id);
  void Reconcile(KnownAlert& alert, const AlertHistory::Changes& changes);
  // Makes one side of an episode what it should be: not there, when `side` is nothing.
  void Reconcile(Timestamp episode, std::unique_ptr<TransitionState>& transition,
                 const std::optional<AlertHistory::Side>& side);
  void ReconcileBindings(TransitionState& transition, const AlertHistory::Side& side, Cause reason);
  void Bind(TransitionState& transition, const BindingState* binding, Cause reason);
  void Unbind(BoundTransition& bound, Cause reason);
  void Remove(std::unique_ptr<TransitionState>& transition, Cause reason);
  void Remove(EpisodeTransitions& transitions, Cause reason);

  // How long progress is kept beyond samples. A row with a larger tolerance, or with a pending
  // start that lies further back, may stay provisional.
  static constexpr Millis kToleranceMax = std::chrono::hours(24);

  const EngineLimits limits_;
  SeriesDirectory directory_;
  BindingDirectory bindings_;
  absl::flat_hash_set<AlertPlace, AlertHash, AlertEqual> alerts_;
  absl::flat_hash_map<std::string, size_t> alerts_of_source_;  // How many of alerts_.
  RowTable rows_;
  EngineStats stats_;  // Without what the parts above count themselves.
  Timestamp sample_horizon_ = Timestamp::Min();
  Timestamp row_horizon_ = Timestamp::Min();
  // Of the last Apply or Expire. An alert may stand there more than once.
  std::vector<std::pair<const KnownAlert*, Timestamp>> changed_reports_;
  std::vector<AlertReport> gone_reports_;
  std::vector<NotedAlert> noted_alerts_;  // In the order of what happened.
  // Of the events being applied; kept for their memory.
  std::vector<const SampleBatch*> batches_;
  SampleOrder sample_order_;
  std::vector<PreparedTransition> prepared_;
  std::vector<std::string> prepared_keys_;
  const PreparedTransition* current_ = nullptr;  // The one being applied.
  std::string key_;
  std::vector<SeriesState*> series_matches_;
  std::vector<BoundTransition*> bound_matches_;
};

}  // namespace alertjoin
