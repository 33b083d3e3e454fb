#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "common/event/event.h"
#include "correlator-service/join/engine_state.h"
#include "correlator-service/join/optional_time.h"
#include "correlator-service/join/prefetch.h"
#include "correlator-service/model/alert_report.h"

namespace alertjoin {

// The notifications of one alert, (source, fingerprint), and the episodes that follow from them. It
// also keeps, and does not look at, what the engine makes of the episodes. Not thread-safe.
//
// The episodes are a function of the set of notifications, whatever their order and repetition:
//   - Every start that was reported spans an interval: to its latest reported end, or, while no end
//     is known, to the latest time at which it was reported as firing.
//   - Intervals that overlap are one episode. It starts at the earliest start and, when any of its
//     parts ended, ends at the latest end: a late notification of the start reopens nothing. It has
//     not ended while one of its parts, which began after that end, has not: of two sources of one
//     alert that were told apart by nothing, one saw it end and begin again.
//   - Its pending start is the earliest that was reported, of either state, unless that lies after
//     the episode's start.
//   - An episode is known by the greatest start in it. A source that corrects the start to an
//     earlier time thus keeps the episode's key, and with it the ids of its rows.
// Source of the need: Alertmanager merges overlapping ranges and keeps the earliest start, and its
// peers may differ (prometheus/alertmanager types/types.go, Alert.Merge).
class AlertHistory {
 public:
  // One per query, ordered by query.
  using Bindings = absl::InlinedVector<std::shared_ptr<const BindingState>, 1>;

  // One side of an episode: it began to fire, or was resolved. It is there when a notification
  // of that state was.
  struct Side {
    // What the notification says that describes it (transition_report.h): the first one of the
    // earliest start that was sent, or, when all were found by reconciliation, that was found. The
    // times are the episode's.
    std::shared_ptr<const Transition> transition;
    // Of all such notifications together; their reports hold them.
    absl::InlinedVector<const BindingState*, 1> bindings;
  };
  struct Episode {
    Timestamp key;
    std::optional<Side> firing;
    std::optional<Side> resolved;
    // The earliest at which one of its notifications was received.
    Timestamp received_time;
    // What the engine keeps of it. Valid until the next call of Add or Expire.
    EpisodeTransitions* transitions = nullptr;

    // Of the newest transition.
    const Side& newest() const { return resolved ? *resolved : *firing; }
  };
  struct Changes {
    // The report that the notification was filed under says something else now.
    bool report_changed = false;
    // The notification describes its start and state, or is the earliest to be received.
    bool keeps_notification = false;
    // Keys of episodes that have become part of others.
    absl::InlinedVector<Timestamp, 1> removed;
    // Episodes that are new or may have changed.
    absl::InlinedVector<Episode, 1> present;
  };

  // Whether the history has a notification of that state and start already.
  bool Knows(const Transition& event) const;

  // Takes a notification and its bindings; both lists are empty when it can change nothing. What is
  // kept of episodes that have become part of others is still there, and should be taken away.
  Changes Add(std::shared_ptr<const Transition> event, Bindings bindings);

  // Asks the processor for the places that Add will look at when the notification is of a new
  // start.
  void Prefetch() const { PrefetchEnd(reports_); }
  // Asks for what these places lead to.
  void PrefetchNewest() const {
    if (!reports_.empty()) alertjoin::Prefetch(reports_.rbegin()->second.get(), sizeof(Report));
  }

  // What is kept of the episode with this key. REQUIRES: a notification had that start.
  EpisodeTransitions& TransitionsOf(Timestamp key);
  // The same of the first episode of which something is kept, among those with this key and later
  // ones. Null: there is none.
  EpisodeTransitions* FirstTransitionsFrom(Timestamp key);
  template <typename Visit>
  void ForEachTransition(Visit visit) const {
    for (const auto& [starts_at, report] : reports_) {
      for (const auto* side : {&report->transitions.firing, &report->transitions.resolved}) {
        if (*side != nullptr) visit(**side);
      }
    }
  }

  struct ExpiredEpisode {
    Timestamp key;
    EpisodeTransitions transitions;
  };
  struct Expired {
    std::vector<ExpiredEpisode> episodes;
    std::vector<Timestamp> reports;  // Their starts.
  };
  // Forgets the episodes that ended, or were last heard of, before `horizon`.
  Expired Expire(Timestamp horizon);

  // For a restart: what is known of one start, and back again. Bindings are found by `resolve`.
  // After the last of a new history's reports, Regroup gives its episodes.
  AlertReport ReportOf(Timestamp starts_at) const;
  template <typename Resolve>
  void RestoreReport(const AlertReport& report, Resolve resolve) {
    auto restored = std::make_unique<Report>();
    const auto restore = [&resolve](const std::optional<AlertReport::Side>& side) {
      StateReport result;
      if (!side) return result;
      result.first = side->first;
      for (const auto& binding : side->bindings) result.bindings.push_back(resolve(binding));
      return result;
    };
    restored->firing = restore(report.firing);
    restored->resolved = restore(report.resolved);
    restored->last_reported = report.last_reported;
    restored->received_time = report.received_time;
    restored->ends_at = report.ends_at;
    restored->active_at = report.active_at;
    reports_[report.starts_at] = std::move(restored);
  }
  Changes Regroup();

  bool empty() const { return reports_.empty(); }

 private:
  // What the notifications of one state said about one start.
  struct StateReport {
    std::shared_ptr<const Transition> first;  // That it is described by. Null: there was none.
    Bindings bindings;

    explicit operator bool() const { return first != nullptr; }
  };
  // An episode as stored with the report of its earliest start: all from there to its key.
  struct Span {
    Timestamp key;
    Timestamp through;
  };
  struct Report {
    // What the neighbours of a new report are asked for comes first.
    std::optional<Span> span;  // Of the episode that begins with this start, if one does.
    // Where the episode begins that has this start for its key, if one does.
    OptionalTime episode_start;
    StateReport firing;
    StateReport resolved;
    Timestamp last_reported;                     // While firing.
    Timestamp received_time = Timestamp::Max();  // Of the earliest.
    OptionalTime ends_at;
    OptionalTime active_at;
    EpisodeTransitions transitions;  // Of that episode.

    Timestamp Through(Timestamp starts_at) const;
  };
  // By starts_at. A tree: an alert may have any number of them, which come in any order.
  using Reports = absl::btree_map<Timestamp, std::unique_ptr<Report>>;

  struct Filed {
    bool report_changed = false;
    bool may_change_episodes = false;
    bool keeps_notification = false;
  };
  // Adds the notification to the report of its start, which may be new.
  static Filed File(std::shared_ptr<const Transition> event, Bindings bindings, Report& report);
  // The usual case: the report is the last one, and the one before it an episode of its own that
  // does not reach it. It is an episode of its own, then. False: it may be one all the same.
  bool StandsAlone(Reports::iterator report) const;
  // The first report of the episode that this one is in, or that reaches it; itself, where there is
  // none.
  Reports::iterator BeginOfEpisode(Reports::iterator report);
  // Cuts the reports from `begin` to before `end` into episodes anew.
  void Regroup(Reports::iterator begin, Reports::iterator end, Changes& changes);
  // The episode of the reports from `begin` to before `end`.
  static Episode Describe(Reports::iterator begin, Reports::iterator end);

  Reports reports_;
};

}  // namespace alertjoin
