#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// Histories for the join, made so that coincidences are the rule: few alerts, series and times;
// late, doubled and tied samples, amended episodes with several pending starts, stale markers,
// progress at any point and gaps that void it, refused queries. Times are in [-80, 140] ms. All of
// it follows from the seed.
class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed);

  // Up to some fifty events. Without ties a sample's value follows from its time, so that the order
  // of the events cannot matter.
  std::vector<Event> Make(bool with_ties);
  Event MakeEvent(bool with_ties);

  int64_t Upto(int64_t max) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(max + 1));
  }
  std::mt19937_64& random() { return random_; }

 private:
  std::string QueryName() { return Upto(1) == 0 ? "p" : "q"; }
  Event MakeProgress();
  Event MakeGap();
  Event MakeError();
  Event MakeSamples(bool with_ties);
  Event MakeTransition();

  std::mt19937_64 random_;
  // All series, for batches that are of one stream; others have a table of their own.
  SeriesTable stream_;
};

}  // namespace alertjoin
