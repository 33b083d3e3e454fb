#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/event/event.h"

namespace alertjoin {

// What is missing once some events have been dropped, as the gaps that say so. Not thread-safe.
class DroppedEvents {
 public:
  // FAILED_PRECONDITION, reason ALERT_NOT_DROPPED, for an alert: those are never dropped. Nothing
  // is added then. REQUIRES: CheckEvent(event) is OK.
  absl::Status Add(const Event& event);

  // In the order of their queries. For each query that lost samples, claims of progress or an
  // earlier gap of this kind: one that voids progress from the first time lost to the last one. The
  // times between are given up with them: a list of ranges would have no bound. For each source and
  // query of which other gaps were lost, which void nothing: one that holds them all. Errors of
  // queries and what was said of sources are counted alone.
  std::vector<Event> Gaps() const;

  uint64_t events() const { return events_; }
  uint64_t samples() const { return samples_; }

 private:
  struct Range {
    Timestamp from = Timestamp::Max();
    Timestamp through = Timestamp::Min();

    void Include(Timestamp first, Timestamp last);
  };

  void AddSamples(const SampleBatch& batch);
  void AddGap(const Gap& gap);

  std::map<Query, Range> voided_;
  std::map<std::pair<std::string, std::optional<Query>>, Gap> reported_;
  uint64_t events_ = 0;
  uint64_t samples_ = 0;
};

}  // namespace alertjoin
