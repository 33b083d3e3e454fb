#include "ingest-service/reconcile/firing_runs.h"

#include <algorithm>

namespace alertjoin {

void FiringRuns::OnBegin(Finder finder, const Patience& patience, Timestamp now) {
  readings_[finder] = {patience, now};
  for (auto& [fingerprint, alert] : alerts_) {
    std::erase_if(alert.runs, [finder](const Run& run) { return run.finder == finder; });
  }
  std::erase_if(alerts_, [](const auto& alert) { return alert.second.runs.empty(); });
}

void FiringRuns::OnRead(Finder finder, Timestamp now) {
  Reading& reading = readings_.at(finder);
  reading.told = now;
  reading.is_first = false;
}

FiringRuns::RunId FiringRuns::OnStarted(Finder finder, const std::string& fingerprint,
                                        const Start& start, Timestamp now) {
  auto known = alerts_.find(fingerprint);
  if (known == alerts_.end()) {
    if (alerts_.size() >= kAlertsMax) return 0;
    known = alerts_.try_emplace(fingerprint).first;
  }
  Alert& alert = known->second;
  alert.touched = now;
  if (alert.runs.size() >= kRunsPerAlertMax) {
    const auto first =
        std::min_element(alert.runs.begin(), alert.runs.end(), [](const Run& a, const Run& b) {
          return a.end.value_or(Timestamp::Max()) < b.end.value_or(Timestamp::Max());
        });
    alert.runs.erase(first);
  }
  alert.runs.push_back({++last_id_, finder, start, std::nullopt, {}, start.firing_at});
  return last_id_;
}

FiringRuns::Run* FiringRuns::Find(const std::string& fingerprint, RunId run) {
  const auto alert = alerts_.find(fingerprint);
  if (alert == alerts_.end()) return nullptr;
  auto& runs = alert->second.runs;
  const auto found =
      std::find_if(runs.begin(), runs.end(), [run](const Run& r) { return r.id == run; });
  return found == runs.end() ? nullptr : &*found;
}

void FiringRuns::OnStartKnown(const std::string& fingerprint, RunId run,
                              std::optional<Timestamp> starts_at) {
  if (starts_at) {
    if (Run* const found = Find(fingerprint, run)) found->start.at = starts_at;
    return;
  }
  const auto alert = alerts_.find(fingerprint);
  if (alert == alerts_.end()) return;
  std::erase_if(alert->second.runs, [run](const Run& r) { return r.id == run; });
  if (alert->second.runs.empty()) alerts_.erase(alert);
}

void FiringRuns::OnFiring(const std::string& fingerprint, RunId run, Timestamp time) {
  if (Run* const found = Find(fingerprint, run)) found->firing_through = time;
}

void FiringRuns::OnEnded(const std::string& fingerprint, RunId run, Timestamp ends_at,
                         Timestamp now) {
  Run* const found = Find(fingerprint, run);
  if (found == nullptr) return;
  found->end = ends_at;
  found->end_told = now;
  alerts_.at(fingerprint).touched = now;
}

bool FiringRuns::IsAwaited(const Reading& reading, Timestamp now) {
  const Millis patience = reading.is_first ? reading.patience.first : reading.patience.silent;
  // A clock that was set makes nobody present for long.
  const Millis silent = now - reading.told;
  return silent <= patience && -silent <= patience;
}

bool FiringRuns::IsPresent(Finder finder, Timestamp now) const {
  return IsAwaited(readings_.at(finder), now);
}

FiringRuns::Meaning FiringRuns::Of(const std::string& fingerprint, RunId run, Timestamp time,
                                   Timestamp now) const {
  const auto alert = alerts_.find(fingerprint);
  if (alert == alerts_.end()) return Meaning::kItsOwn;
  bool is_open = false;
  for (const Run& other : alert->second.runs) {
    if (other.id == run || other.from() >= time || (other.end && *other.end <= time)) continue;
    // Of one whose start is not known it may never be: then it does not count.
    const bool counts = other.start.at || other.start.decided;
    if (counts && (other.end || other.firing_through >= time)) return Meaning::kWithinOther;
    is_open = is_open || IsPresent(other.finder, now);
  }
  return is_open ? Meaning::kNotKnownYet : Meaning::kItsOwn;
}

std::optional<FiringRuns::Whole> FiringRuns::WholeOf(const std::string& fingerprint,
                                                     Timestamp starts_at, Timestamp ends_at,
                                                     Timestamp now) const {
  Whole whole;
  whole.starts_at = starts_at;
  whole.ends_at = ends_at;
  for (const auto& [finder, reading] : readings_) {
    if (reading.is_first && IsAwaited(reading, now)) return std::nullopt;
  }
  const auto alert = alerts_.find(fingerprint);
  if (alert == alerts_.end()) return whole;
  bool may_be_open = true;
  for (bool has_grown = true; has_grown;) {
    has_grown = may_be_open = false;
    for (const Run& run : alert->second.runs) {
      const bool ended_before =
          run.end ? *run.end <= whole.starts_at : run.firing_through < whole.starts_at;
      if (ended_before || run.from() >= whole.ends_at) continue;
      // The start of what has ended is looked up. Of what fires on it will be, at its end.
      if (!run.start.at && run.end && IsPresent(run.finder, now)) return std::nullopt;
      if (run.start.at && *run.start.at < whole.starts_at) {
        whole.starts_at = *run.start.at;
        has_grown = true;
      }
      if (run.end && *run.end > whole.ends_at) {
        whole.ends_at = *run.end;
        has_grown = true;
      }
      if (run.end) {
        whole.told = std::max(whole.told, run.end_told);
        continue;
      }
      if (!IsPresent(run.finder, now)) {
        // It fired as long as is known.
        whole.told = std::max(whole.told, readings_.at(run.finder).told);
        has_grown = has_grown || run.firing_through > whole.ends_at;
        whole.ends_at = std::max(whole.ends_at, run.firing_through);
      } else if (run.firing_through >= whole.ends_at) {
        whole.is_open = true;
        return whole;
      } else {
        may_be_open = true;
      }
    }
  }
  if (may_be_open) return std::nullopt;
  return whole;
}

void FiringRuns::Forget(Timestamp before) {
  std::erase_if(alerts_, [before](const auto& entry) {
    const Alert& alert = entry.second;
    return alert.touched < before && std::all_of(alert.runs.begin(), alert.runs.end(),
                                                 [](const Run& run) { return run.end; });
  });
}

}  // namespace alertjoin
