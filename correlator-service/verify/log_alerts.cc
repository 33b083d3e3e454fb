#include "correlator-service/verify/log_alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

// In optionals nothing is the least.
bool EndsBefore(const std::optional<Timestamp>& kept, const std::optional<Timestamp>& told) {
  return kept < told;
}

bool BeginsAfter(const std::optional<Timestamp>& kept, const std::optional<Timestamp>& told) {
  return told && (!kept || *kept > *told);
}

}  // namespace

void LogAlerts::Add(const Round& round) {
  if (round.horizons) row_horizon_ = std::max(row_horizon_, round.horizons->rows);
  for (const Event& event : round.events) {
    if (const TransitionEvent* const transition = TransitionOf(event)) AddTransition(*transition);
  }
}

void LogAlerts::AddTransition(const Transition& event) {
  Starts& starts = alerts_[{event.source, event.fingerprint}];
  if (starts.alert_name.empty()) starts.alert_name = event.labels.Get("alertname");
  Told& told = starts.told[event.starts_at];
  if (event.state == AlertState::kFiring) {
    told.firing = true;
    told.last_reported = std::max(told.last_reported, event.received_time);
  } else {
    told.resolved = true;
  }
  const Timestamp fires_at =
      is_whole_ ? std::max(event.starts_at, event.received_time) : event.starts_at;
  told.first_heard = std::min(told.first_heard, event.ends_at.value_or(fires_at));
  told.ends_at = std::max(told.ends_at, event.ends_at);
  if (BeginsAfter(told.active_at, event.active_at)) told.active_at = event.active_at;
}

std::string LogAlerts::Shortfall(const Told& told, const AlertReport& report) {
  if (told.firing && !report.firing) return "FIRING is in the log, and was not kept";
  if (told.resolved && !report.resolved) return "RESOLVED is in the log, and was not kept";
  if (EndsBefore(report.ends_at, told.ends_at)) {
    return fmt::format("ends at {} in the log, and was kept with an end at {}",
                       FormatRfc3339(*told.ends_at),
                       report.ends_at ? FormatRfc3339(*report.ends_at) : std::string("none"));
  }
  if (told.firing && report.last_reported < told.last_reported) {
    return fmt::format("was reported as firing at {} in the log, and was kept as reported at {}",
                       FormatRfc3339(told.last_reported), FormatRfc3339(report.last_reported));
  }
  if (BeginsAfter(report.active_at, told.active_at)) {
    return "has an earlier pending start in the log than was kept";
  }
  return "";
}

std::optional<LogAlerts::Difference> LogAlerts::Compare(const AlertReport& report) {
  const auto alert = alerts_.find({report.source, report.fingerprint});
  if (alert == alerts_.end()) return std::nullopt;
  const auto start = alert->second.told.find(report.starts_at);
  if (start == alert->second.told.end()) return std::nullopt;
  const Told told = start->second;
  alert->second.told.erase(start);
  if (!IsCompared(told)) return std::nullopt;
  ++compared_;
  std::string how = Shortfall(told, report);
  if (how.empty()) return std::nullopt;
  return Difference{{report.source, report.fingerprint, report.starts_at},
                    alert->second.alert_name,
                    std::move(how)};
}

std::vector<LogAlerts::Difference> LogAlerts::Rest() const {
  std::vector<Difference> differences;
  for (const auto& [id, starts] : alerts_) {
    for (const auto& [starts_at, told] : starts.told) {
      if (!IsCompared(told)) continue;
      differences.push_back({{id.first, id.second, starts_at},
                             starts.alert_name,
                             fmt::format("{} in the log, and nothing was kept of it",
                                         !told.firing     ? "RESOLVED is"
                                         : !told.resolved ? "FIRING is"
                                                          : "FIRING and RESOLVED are")});
    }
  }
  return differences;
}

}  // namespace alertjoin
