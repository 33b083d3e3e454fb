#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

// When the metrics sources of one alert source saw its alerts firing. Several of them are servers
// with the same rules, as a pair for high availability: an alert then fires while one of them says
// so, as it does for an Alertmanager that hears them all. It begins with the first and ends with
// the last. Not thread-safe.
class FiringRuns {
 public:
  // Alerts that are remembered. Of those beyond it is not known what others saw.
  static constexpr size_t kAlertsMax = 100'000;
  // Runs of one alert; beyond, the one that ended first is forgotten.
  static constexpr size_t kRunsPerAlertMax = 32;
  // Who says so: a number of the caller's choice.
  using Finder = size_t;

  // `away_after`: for a finder that has told nothing for so long nobody waits. Alertmanager, too,
  // forgets what a Prometheus told it after some minutes.
  explicit FiringRuns(Millis away_after) : away_after_(away_after) {}

  // There is this one, and it will tell; nothing that it told before holds.
  void OnBegin(Finder finder, Timestamp now);
  // What is known of when an alert began to fire.
  struct Start {
    std::optional<Timestamp> at;
    Timestamp firing_at;   // A time at which it fired.
    bool decided = false;  // By an earlier process, so that it need not be told.
  };
  // Either may be told again once the start is known.
  void OnStarted(Finder finder, const std::string& fingerprint, const Start& start, Timestamp now);
  void OnEnded(Finder finder, const std::string& fingerprint, const Start& start, Timestamp ends_at,
               Timestamp now);
  // It has told all up to then.
  void OnRead(Finder finder, Timestamp through, Timestamp now);

  // What a start or an end that one finder saw is for the alert.
  enum class Meaning {
    kItsOwn,         // The alert begins or ends with it.
    kWithinAnother,  // Another one sees it firing over that time.
    kNotKnownYet,    // Another one has not read so far.
  };
  Meaning OfStart(Finder finder, const std::string& fingerprint, Timestamp starts_at,
                  Timestamp now) const;
  Meaning OfEnd(Finder finder, const std::string& fingerprint, Timestamp ends_at,
                Timestamp now) const;
  // When the firing began, of all finders together, that one of them saw begin at `starts_at`.
  Timestamp BeginOf(const std::string& fingerprint, Timestamp starts_at) const;

  // Forgets alerts that do not fire and were told of before then last.
  void Forget(Timestamp before);
  size_t size() const { return alerts_.size(); }

 private:
  struct Run {
    Finder finder = 0;
    Start start;
    std::optional<Timestamp> end;  // Nothing: it fires.

    // From then on it is known to have fired.
    Timestamp from() const { return start.at.value_or(start.firing_at); }
  };
  struct Alert {
    std::vector<Run> runs;  // Of each finder in order of time.
    Timestamp touched;
  };
  struct Reading {
    Timestamp through;
    Timestamp told;  // By our clock.
  };

  Alert* Touch(const std::string& fingerprint, Timestamp now);
  static Run* LastOf(Finder finder, Alert& alert);
  static void Add(const Run& run, Alert& alert);
  // How far it has read; Timestamp::Min() when it has not.
  Timestamp ThroughOf(Finder finder) const;
  // Whether another finder sees it firing both before and after `time`. `is_start`: only in runs
  // whose own start is told; of the others it may never become known.
  Meaning Of(Finder finder, const std::string& fingerprint, Timestamp time, bool is_start,
             Timestamp now) const;

  const Millis away_after_;
  std::map<std::string, Alert, std::less<>> alerts_;  // By fingerprint.
  std::map<Finder, Reading> readings_;
};

}  // namespace alertjoin
