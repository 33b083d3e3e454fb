#include "ingest-service/prometheus/source_watches.h"

#include <algorithm>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kReportsApart = std::chrono::seconds(1);

}  // namespace

SourceWatches::SourceWatches(std::string producer_id, Environment environment)
    : producer_id_(std::move(producer_id)),
      environment_(environment),
      log_limiter_(kLogInterval, environment.clock) {}

SourceWatch& SourceWatches::Add(const std::string& source) {
  // The step after it finds the change.
  const auto wake = [this] { environment_.executor.Post([] {}); };
  watched_.emplace_back(new Watched{
      SourceWatch(source, environment_.registry, environment_.clock, wake), Timestamp::Min()});
  return watched_.back()->watch;
}

Timestamp SourceWatches::Step() {
  const Timestamp now = environment_.clock.Now();
  Timestamp next = Timestamp::Max();
  for (const auto& watched : watched_) {
    const auto report = watched->watch.DueReport(now, producer_id_);
    if (!report.has_value()) {
      next = std::min(next, watched->watch.NextDue());
      continue;
    }
    // After the clock was set back the wait would be as long as that.
    watched->not_before = std::min(watched->not_before, now + kReportsApart);
    if (watched->not_before > now) {
      next = std::min(next, watched->not_before);
      continue;
    }
    watched->not_before = now + kReportsApart;
    const Event event = *report;
    const absl::Status status = environment_.sink.Append({&event, 1});
    if (status.ok()) {
      watched->watch.Reported(*report);
    } else if (log_limiter_.Allow()) {
      LogWarn("the health of a metrics source could not be recorded",
              {{"source", report->source}, {"error", MessageOf(status)}});
    }
    next = std::min(next, status.ok() ? watched->watch.NextDue() : watched->not_before);
  }
  return next;
}

}  // namespace alertjoin
