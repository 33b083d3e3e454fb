#pragma once

#include <optional>
#include <vector>

#include "common/time/timestamp.h"

namespace alertjoin {

// What has been emitted of one series of late: its samples and stale markers, ordered by time, at
// most one per time. Tells what is new, and what an as-of look-up would find. Not thread-safe.
class SeriesHistory {
 public:
  struct Entry {
    Timestamp time;
    double value = 0;
  };

  // The value at exactly this time.
  std::optional<double> At(Timestamp time) const;
  // The newest entry at or before `time`.
  std::optional<Entry> AsOf(Timestamp time) const;
  // All entries after `time`, oldest first.
  std::vector<Entry> After(Timestamp time) const;

  // Replaces the value when there is one at this time.
  void Set(Timestamp time, double value);
  void Erase(Timestamp time);
  // Forgets what lies before `horizon`, but for the newest entry there.
  void Forget(Timestamp horizon);

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry>::const_iterator FirstAfter(Timestamp time) const;

  std::vector<Entry> entries_;
};

}  // namespace alertjoin
