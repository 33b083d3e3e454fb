#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "common/eventlog/event_log.h"
#include "common/eventlog/group_commit.h"
#include "common/log/log.h"
#include "common/time/clock.h"
#include "ingest-service/spool/dropped_events.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/spool/spool_metrics.h"

namespace alertjoin {

// The lane of the spool for what alerts can do without: samples, progress, gaps, errors of queries
// and how sources fare. It takes new ones always: when it is full, the oldest go, about a sixteenth
// of the lane at a time, and gaps at its end say what is missing (dropped_events.h). So the queries
// lose their progress for that time, and rows in it stay provisional, but nothing is missing in
// silence. Thread-safe. The log, the clock and the registry must outlive it.
//
// The gaps stand in this lane and not in that of the alerts: each comes behind everything that it
// speaks of, what is dropped is counted where it was, and no number of gaps can take the room of an
// alert. They may be dropped in their turn, but only into wider ones.
class SampleLane {
 public:
  static constexpr char kName[] = "samples";
  // A sixteenth of the lane is dropped at a time, and another one is room for the gaps.
  static constexpr uint64_t kShares = 16;

  // `bytes_max` is the room of the log, as EventLog::Bounds counts it.
  SampleLane(EventLog& log, uint64_t bytes_max, const Clock& clock, prometheus::Registry& registry);

  // Appends all events or none. RESOURCE_EXHAUSTED, reason SPOOL_FULL, and nothing dropped, when
  // they would not fit into an empty lane, or when even the gaps do not fit: with very many
  // queries, after many crashes in the middle of a drop, or while the lane holds more than
  // `bytes_max` because that was larger before. DATA_LOSS when what is to be dropped
  // cannot be read, FAILED_PRECONDITION when an alert is among it. Other errors as Spool::Append.
  // REQUIRES: not empty, no alerts.
  absl::Status Append(std::span<const Event> events);

  // For the uplink. What is appended there directly is never dropped for, but may be dropped.
  Spool& spool() { return spool_; }
  const Spool& spool() const { return spool_; }

 private:
  struct Request {
    std::span<const std::string> records;
    uint64_t bytes = 0;
    absl::Status status;
  };
  // What is to be dropped: everything before `before`.
  struct Drop {
    LogPosition before;
    std::vector<std::string> gaps;
    DroppedEvents dropped;
  };

  absl::Status AppendOrDrop(const Request& request);
  // Makes room for so many bytes, or finds that acknowledgements have made some.
  absl::Status MakeRoom(uint64_t bytes);
  // Nothing when acknowledgements are taking away what was to be dropped.
  absl::StatusOr<std::optional<Drop>> PlanDrop(uint64_t bytes) const;
  absl::Status AddDropped(LogPosition position, const std::string& record, Drop& drop) const;
  void Report(const DroppedEvents& dropped);

  const uint64_t bytes_max_;
  SpoolMetrics metrics_;
  DropMetrics drop_metrics_;
  LogLimiter drop_log_;
  Spool spool_;
  // One append at a time, without a lock held while it reads and writes.
  GroupCommit<Request> appends_;
};

}  // namespace alertjoin
