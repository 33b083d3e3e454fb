#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/pipeline/round.h"

namespace alertjoin {

// All that a log says of series and queries, in the simplest form: what the as-of join is to be
// checked against. Shares nothing with the engine. Not thread-safe.
class LogFacts {
 public:
  using Samples = std::map<Timestamp, double>;
  // Both ends belong to it.
  using Range = std::pair<Timestamp, Timestamp>;

  // Adds what the next round of the log says.
  void Add(const Round& round);

  const std::map<std::pair<Query, LabelSet>, Samples>& samples() const { return samples_; }
  // The source has sent every sample of the range.
  bool IsComplete(const Query& query, Range range) const;
  // What the source said last of refusing the query; empty when nothing, or that it answers.
  std::string ErrorOf(const Query& query) const;
  const Horizons& horizons() const { return horizons_; }

 private:
  void AddSamples(const SampleBatch& batch, bool carried);
  void AddEvents(const std::vector<Event>& events, bool carried);

  std::map<std::pair<Query, LabelSet>, Samples> samples_;
  std::map<Query, std::vector<Range>> complete_;
  std::map<Query, std::vector<Range>> void_;
  std::map<Query, std::pair<Timestamp, std::string>> errors_;  // The greatest.
  Horizons horizons_;
};

}  // namespace alertjoin
