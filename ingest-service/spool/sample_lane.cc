#include "ingest-service/spool/sample_lane.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_codec.h"
#include "common/status/status.h"
#include "ingest-service/spool/spool_records.h"

namespace alertjoin {
namespace {

// Of what is read at a time to be dropped.
constexpr size_t kReadRecordsMax = 1000;
constexpr size_t kReadBytesMax = 4 << 20;

absl::Status LaneFull(const std::string& why) {
  return WithReason(absl::ResourceExhaustedError(fmt::format(
                        "spool: full: {}: try again when the correlator has acknowledged some of "
                        "what is there",
                        why)),
                    "SPOOL_FULL");
}

bool IsFull(const absl::Status& status) { return absl::IsResourceExhausted(status); }

}  // namespace

SampleLane::SampleLane(EventLog& log, uint64_t bytes_max, const Clock& clock,
                       prometheus::Registry& registry)
    : bytes_max_(bytes_max),
      metrics_(registry, kName),
      drop_metrics_(registry, kName),
      drop_log_(kLogInterval, clock),
      spool_(log, bytes_max - bytes_max / kShares, &metrics_),
      appends_(GroupCommit<Request>::kOneByOne, [this](std::span<Request* const> group) {
        for (Request* request : group) request->status = AppendOrDrop(*request);
      }) {}

absl::Status SampleLane::Append(std::span<const Event> events) {
  for (const Event& event : events) CHECK(TransitionOf(event) == nullptr);
  ASSIGN_OR_RETURN(const std::vector<std::string> records, EncodeSpoolRecords(events));
  Request request{records, SpoolBytesOf(records), absl::OkStatus()};
  appends_.Run(request);
  return request.status;
}

absl::Status SampleLane::AppendOrDrop(const Request& request) {
  for (;;) {
    const absl::Status status = spool_.AppendRecords(request.records).status();
    if (!IsFull(status)) return status;
    if (request.bytes > spool_.bytes_max()) return status;
    RETURN_IF_ERROR(MakeRoom(request.bytes));
  }
}

absl::Status SampleLane::MakeRoom(uint64_t bytes) {
  // What is acknowledged is not lost: it goes without a gap.
  RETURN_IF_ERROR(spool_.DropBefore(spool_.acknowledged().Next()));
  ASSIGN_OR_RETURN(const std::optional<Drop> drop, PlanDrop(bytes));
  if (!drop.has_value()) return absl::OkStatus();
  // First the gaps, then the drop. A crash between the two leaves gaps that speak of samples which
  // are still there: rows of that time get their values and are never final, and the next drop
  // merges these gaps with its own. The other way round, samples would be missing in silence.
  RETURN_IF_ERROR(spool_.AppendRecordsOverLimit(drop->gaps));
  RETURN_IF_ERROR(spool_.DropBefore(drop->before));
  Report(drop->dropped);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SampleLane::Drop>> SampleLane::PlanDrop(uint64_t bytes) const {
  const EventLog::Bounds bounds = spool_.bounds();
  if (bounds.bytes + bytes <= spool_.bytes_max()) return std::nullopt;
  const uint64_t share = bytes_max_ / kShares;
  const uint64_t missing = bounds.bytes + bytes - spool_.bytes_max();
  uint64_t wanted = std::max(share, missing);
  uint64_t freed = 0;
  Drop drop;
  drop.before = bounds.first;
  while (drop.before < bounds.next) {
    const auto chunk = spool_.Read(drop.before, kReadRecordsMax, kReadBytesMax);
    if (absl::IsOutOfRange(chunk.status())) return std::nullopt;
    RETURN_IF_ERROR(chunk);
    for (const std::string& record : chunk->records) {
      RETURN_IF_ERROR(AddDropped(drop.before, record, drop));
      drop.before = drop.before.Next();
      freed += SpoolBytesOf({&record, 1});
      if (freed < wanted && drop.before < bounds.next) continue;
      ASSIGN_OR_RETURN(drop.gaps, EncodeSpoolRecords(drop.dropped.Gaps()));
      const uint64_t gap_bytes = SpoolBytesOf(drop.gaps);
      if (bounds.bytes + gap_bytes > bytes_max_) {
        return LaneFull(fmt::format("no room for {} gaps", drop.gaps.size()));
      }
      if (freed >= missing + gap_bytes) return drop;
      // The gaps take what was freed; of a longer stretch they will be hardly more.
      wanted = std::max(freed, missing + gap_bytes) + share;
    }
  }
  return LaneFull(fmt::format("no room for {} bytes and {} gaps", bytes, drop.gaps.size()));
}

absl::Status SampleLane::AddDropped(LogPosition position, const std::string& record,
                                    Drop& drop) const {
  const auto event = DecodeRecord(record);
  const absl::Status status =
      event.ok() ? drop.dropped.Add(*event) : absl::DataLossError(MessageOf(event.status()));
  if (status.ok()) return status;
  return Annotate(status, fmt::format("spool: event {} of the samples", position.value()));
}

void SampleLane::Report(const DroppedEvents& dropped) {
  drop_metrics_.samples.Increment(static_cast<double>(dropped.samples()));
  drop_metrics_.events.Increment(static_cast<double>(dropped.events()));
  if (!drop_log_.Allow()) return;
  LogWarn("the spool is full of samples: the oldest are dropped",
          {{"dropped_now_samples", fmt::to_string(dropped.samples())},
           {"dropped_in_all_samples", fmt::format("{:.0f}", drop_metrics_.samples.Value())},
           {"spooled_events", fmt::to_string(spool_.waiting())}});
}

}  // namespace alertjoin
