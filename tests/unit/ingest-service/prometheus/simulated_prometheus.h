#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "common/event/event.h"
#include "tests/unit/ingest-service/prometheus/query_harness.h"

namespace alertjoin {

// A model of a Prometheus server with one metric, `x`: scrapes that become visible some time after
// their own, stale markers, series that come and go. It knows the truth about every moment.
class SimulatedPrometheus {
 public:
  struct Sample {
    Timestamp time;
    Timestamp visible_from;
    double value = 0;  // Perhaps a stale marker.
  };

  // Scrapes every series from `start` to `end`; visible after less than `commit_delay_max`. Some
  // series end with a stale marker, and some of those come back a minute later or more.
  SimulatedPrometheus(Timestamp start, Timestamp end, Millis commit_delay_max,
                      std::mt19937_64& random);

  // The body of the answer to a query of `x[w]`, `x` or `x * 2` at `now`.
  std::string Answer(const SentQuery& sent, Timestamp now) const;

  // What the newest of all samples at or before `time` is, seen from the end of time: nothing where
  // there is no value.
  std::optional<Sample> TruthAt(const LabelSet& series, Timestamp time) const;
  const std::map<LabelSet, std::vector<Sample>>& series() const { return series_; }

 private:
  std::optional<Sample> AsOf(const std::vector<Sample>& samples, Timestamp time,
                             Timestamp now) const;

  std::map<LabelSet, std::vector<Sample>> series_;
};

}  // namespace alertjoin
