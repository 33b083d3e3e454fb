#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/reconcile/firing_runs.h"
#include "ingest-service/reconcile/reconcile_metrics.h"

namespace alertjoin {

// The transitions of one alert source, as they were sent to us (by webhooks, or by Prometheus
// itself) and as they were found in metrics sources; decides which of the found ones must be added.
// One that was sent is only told its pending start. One that was not is added after a wait: what
// comes by webhook says more of it. Where several metrics sources see one alert firing, only the
// first beginning and the last end are its own, and are added. Not thread-safe.
class TransitionLedger {
 public:
  struct Options {
    Millis wait = std::chrono::minutes(1);
    Millis remembered = std::chrono::hours(1);
    size_t transitions_max = 200'000;  // Beyond, those spoken of longest ago are forgotten.
  };
  // Who found a transition: a number of the caller's choice.
  using Finder = FiringRuns::Finder;

  TransitionLedger(Options options, ReconcileMetrics::Seen seen) : options_(options), seen_(seen) {}

  // What every finder has to tell of all that it sees, also of what need not be decided any more.
  FiringRuns& runs() { return runs_; }

  // It was sent to us, and is in the spool. Bindings do not matter.
  void OnSent(const TransitionEvent& transition, Timestamp now);
  struct Finding {
    Finder finder = 0;
    FiringRuns::RunId run = 0;  // That it is the start or the end of.
    // To find it again, the finder must read its history from here on.
    Timestamp read_again_from;
  };
  void OnFound(TransitionEvent transition, const Finding& finding, Timestamp now);

  // What is to be taken now, at most `max`, without bindings. It comes again until OnTaken.
  std::vector<TransitionEvent> Due(Timestamp now, size_t max);
  // They have been taken.
  void OnTaken(const std::vector<TransitionEvent>& transitions);
  // When something will be due; Timestamp::Max() when nothing is waiting.
  Timestamp NextDue() const;

  // The earliest `read_again_from` of what this finder found and is not decided yet.
  std::optional<Timestamp> UndecidedFrom(Finder finder) const;

  // Forgets what is old. What was sent, was not found, and has an event time in [from, through],
  // where it would have been found if it was there, is counted.
  void Sweep(Timestamp from, Timestamp through, Timestamp now);

  size_t size() const { return entries_.size(); }

 private:
  using Key = std::tuple<std::string, Timestamp, AlertState>;  // Fingerprint and start.
  struct Entry {
    bool sent = false;
    bool found = false;
    bool added = false;    // By reconciliation.
    bool counted = false;  // As sent only.
    bool judged = false;   // What waits is the alert's own.
    Timestamp event_time;
    Timestamp touched;
    Timestamp found_time;  // Its event time, as it was found last.
    Finding finding;
    // As it was sent, until its pending start is known.
    std::optional<TransitionEvent> original;
    // What is to be taken from `due_at` on.
    std::optional<TransitionEvent> waiting;
    Timestamp due_at;
  };
  using Entries = std::map<Key, Entry>;

  static Key KeyOf(const TransitionEvent& transition);
  Entries::iterator Touch(const TransitionEvent& transition, Timestamp now);
  // False: it was found before, no earlier.
  bool FileFound(Entries::iterator place, TransitionEvent transition, const Finding& finding,
                 Timestamp due_at, Timestamp now);
  // Sent and found: it need not be added, but its pending start is told.
  void Meet(Entries::iterator place, std::optional<Timestamp> active_at, Timestamp now);
  void Await(Entries::iterator place, TransitionEvent transition, Timestamp due_at);
  void StopWaiting(Entries::iterator place);
  // Whether what waits is to be taken; if not, it waits for longer, or no more.
  bool Judge(Entries::iterator place, Timestamp now);
  void WaitForOthers(Entries::iterator place, Timestamp now);
  void Forget(Entries::iterator place);

  const Options options_;
  const ReconcileMetrics::Seen seen_;
  FiringRuns runs_;
  Entries entries_;
  std::set<std::pair<Timestamp, Key>> due_;         // Of what is waiting.
  std::set<std::pair<Timestamp, Key>> by_touched_;  // Of all.
};

}  // namespace alertjoin
