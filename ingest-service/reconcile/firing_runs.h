#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

// When the metrics sources of one alert source saw its alerts firing. Several of them may be
// servers with the same rules, as a pair for high availability: an alert then fires while one of
// them says so, as it does for an Alertmanager that hears them all. It begins with the first and
// ends with the last. Not thread-safe.
class FiringRuns {
 public:
  // Alerts that are remembered. Of those beyond it is not known what others saw.
  static constexpr size_t kAlertsMax = 100'000;
  // Runs of one alert; beyond, the one that ended first is forgotten.
  static constexpr size_t kRunsPerAlertMax = 256;
  // Who says so: a number of the caller's choice.
  using Finder = size_t;
  // A time through which a finder saw an alert firing. 0 is none.
  using RunId = uint64_t;

  // What is known of when a run began.
  struct Start {
    std::optional<Timestamp> at;
    Timestamp firing_at;   // A time at which the alert fired.
    bool decided = false;  // By an earlier process, so that it need not be told.
  };

  // How long is waited for what a finder has to tell.
  struct Patience {
    Millis first{0};  // Until it has told what there is for the first time.
    // Then, while it tells nothing. Alertmanager, too, forgets after some minutes what a Prometheus
    // has told it.
    Millis silent{0};
  };
  // There is this finder; nothing that it told before holds.
  void OnBegin(Finder finder, const Patience& patience, Timestamp now);
  // It is present: its history has been read as far as it is there, or starts in it are looked up.
  void OnRead(Finder finder, Timestamp now);

  // A run begins. 0 when there are too many.
  RunId OnStarted(Finder finder, const std::string& fingerprint, const Start& start, Timestamp now);
  // The start has become known; or it never will, and the run does not count.
  void OnStartKnown(const std::string& fingerprint, RunId run, std::optional<Timestamp> starts_at);
  // The alert was found firing at `time`, and not otherwise before.
  void OnFiring(const std::string& fingerprint, RunId run, Timestamp time);
  void OnEnded(const std::string& fingerprint, RunId run, Timestamp ends_at, Timestamp now);

  // What a run's start or end, which is at `time`, is for the alert.
  enum class Meaning {
    kItsOwn,       // The alert begins or ends with it.
    kWithinOther,  // It fires over that time by another run.
    kNotKnownYet,  // By another run, whose finder is present, it may.
  };
  Meaning Of(const std::string& fingerprint, RunId run, Timestamp time, Timestamp now) const;
  // A time through which an alert fired, by all runs together.
  struct Whole {
    Timestamp starts_at;
    Timestamp ends_at;
    bool is_open = false;  // It fires beyond `ends_at`, by one that is not away.
    Timestamp told;        // When the last of its ends was told.
  };
  // The one that a run from `starts_at` to `ends_at` is a part of. Nothing while that is not known.
  std::optional<Whole> WholeOf(const std::string& fingerprint, Timestamp starts_at,
                               Timestamp ends_at, Timestamp now) const;

  // Forgets alerts that do not fire and were told of before then last.
  void Forget(Timestamp before);
  size_t size() const { return alerts_.size(); }

 private:
  struct Run {
    RunId id = 0;
    Finder finder = 0;
    Start start;
    std::optional<Timestamp> end;  // Nothing: not told yet.
    Timestamp end_told;
    Timestamp firing_through;  // Found so last.

    // From then on it is known to have fired.
    Timestamp from() const { return start.at.value_or(start.firing_at); }
  };
  struct Alert {
    std::vector<Run> runs;
    Timestamp touched;
  };
  struct Reading {
    Patience patience;
    Timestamp told;  // By our clock.
    bool is_first = true;
  };

  Run* Find(const std::string& fingerprint, RunId run);
  // Something may still come of it.
  static bool IsAwaited(const Reading& reading, Timestamp now);
  bool IsPresent(Finder finder, Timestamp now) const;

  std::map<std::string, Alert> alerts_;  // By fingerprint.
  std::map<Finder, Reading> readings_;
  RunId last_id_ = 0;
};

}  // namespace alertjoin
