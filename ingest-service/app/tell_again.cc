#include "ingest-service/app/tell_again.h"

#include <utility>
#include <vector>

#include "common/event/event_codec.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kReadRecordsMax = 1'000;
constexpr size_t kReadBytesMax = 4 << 20;

}  // namespace

absl::Status TellAgain(const Spool& spool, Timestamp now, TransitionListener& listener) {
  const EventLog::Bounds bounds = spool.bounds();
  for (LogPosition at = bounds.first; at < bounds.next;) {
    auto read = spool.Read(at, kReadRecordsMax, kReadBytesMax);
    if (const LogPosition first = spool.bounds().first; !read.ok() && at < first) {
      at = first;  // Trimmed meanwhile: the correlator has it, and it is older than Spool::Hold.
      continue;
    }
    ASSIGN_OR_RETURN(const EventLog::Chunk chunk, std::move(read));
    std::vector<TransitionEvent> transitions;
    for (const std::string& record : chunk.records) {
      ASSIGN_OR_RETURN(const Event event, DecodeRecord(record));
      const TransitionEvent* const transition = TransitionOf(event);
      if (transition != nullptr && transition->received_time >= now - kToldAgainFor) {
        transitions.push_back(*transition);
      }
    }
    if (!transitions.empty()) listener.OnTransitions(transitions);
    at = at.Next(chunk.records.size());
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
