#include "ingest-service/reconcile/firing_runs.h"

#include <algorithm>

namespace alertjoin {

FiringRuns::Alert* FiringRuns::Touch(const std::string& fingerprint, Timestamp now) {
  auto known = alerts_.find(fingerprint);
  if (known == alerts_.end()) {
    if (alerts_.size() >= kAlertsMax) return nullptr;
    known = alerts_.try_emplace(fingerprint).first;
  }
  known->second.touched = now;
  return &known->second;
}

FiringRuns::Run* FiringRuns::LastOf(Finder finder, Alert& alert) {
  const auto last = std::find_if(alert.runs.rbegin(), alert.runs.rend(),
                                 [finder](const Run& run) { return run.finder == finder; });
  return last == alert.runs.rend() ? nullptr : &*last;
}

void FiringRuns::Add(const Run& run, Alert& alert) {
  if (alert.runs.size() >= kRunsPerAlertMax) {
    const auto first =
        std::min_element(alert.runs.begin(), alert.runs.end(), [](const Run& a, const Run& b) {
          return a.end.value_or(Timestamp::Max()) < b.end.value_or(Timestamp::Max());
        });
    alert.runs.erase(first);
  }
  alert.runs.push_back(run);
}

void FiringRuns::OnBegin(Finder finder, Timestamp now) {
  readings_[finder] = {Timestamp::Min(), now};
  for (auto& [fingerprint, alert] : alerts_) {
    std::erase_if(alert.runs, [finder](const Run& run) { return run.finder == finder; });
  }
  std::erase_if(alerts_, [](const auto& alert) { return alert.second.runs.empty(); });
}

void FiringRuns::OnStarted(Finder finder, const std::string& fingerprint, const Start& start,
                           Timestamp now) {
  Alert* const alert = Touch(fingerprint, now);
  if (alert == nullptr) return;
  // Of a run that was told without its start, and may have ended since.
  for (Run& run : alert->runs) {
    if (run.finder != finder || run.start.at || !start.at) continue;
    if (run.end && *run.end < *start.at) continue;
    run.start = start;
    return;
  }
  const Run* const last = LastOf(finder, *alert);
  if (last == nullptr || last->end) Add({finder, start, std::nullopt}, *alert);
}

void FiringRuns::OnEnded(Finder finder, const std::string& fingerprint, const Start& start,
                         Timestamp ends_at, Timestamp now) {
  Alert* const alert = Touch(fingerprint, now);
  if (alert == nullptr) return;
  const auto told = std::find_if(alert->runs.begin(), alert->runs.end(), [&](const Run& run) {
    return run.finder == finder && run.end == ends_at;
  });
  Run* run = told == alert->runs.end() ? LastOf(finder, *alert) : &*told;
  if (run == nullptr || (run->end && run->end != ends_at)) {
    return Add({finder, start, ends_at}, *alert);
  }
  run->end = ends_at;
  if (start.at) run->start = start;
}

void FiringRuns::OnRead(Finder finder, Timestamp through, Timestamp now) {
  readings_[finder] = {through, now};
}

Timestamp FiringRuns::ThroughOf(Finder finder) const {
  const auto reading = readings_.find(finder);
  return reading == readings_.end() ? Timestamp::Min() : reading->second.through;
}

FiringRuns::Meaning FiringRuns::Of(Finder finder, const std::string& fingerprint, Timestamp time,
                                   bool is_start, Timestamp now) const {
  if (const auto alert = alerts_.find(fingerprint); alert != alerts_.end()) {
    for (const Run& run : alert->second.runs) {
      if (run.finder == finder || run.from() >= time) continue;
      if (is_start && !run.start.at && !run.start.decided) continue;
      if (run.end ? *run.end > time : ThroughOf(run.finder) >= time) return Meaning::kWithinAnother;
    }
  }
  for (const auto& [other, reading] : readings_) {
    // A clock that was set back makes nobody present for longer.
    const bool present = reading.told <= now && now - reading.told <= away_after_;
    if (other != finder && present && reading.through < time) return Meaning::kNotKnownYet;
  }
  return Meaning::kItsOwn;
}

FiringRuns::Meaning FiringRuns::OfStart(Finder finder, const std::string& fingerprint,
                                        Timestamp starts_at, Timestamp now) const {
  return Of(finder, fingerprint, starts_at, true, now);
}

FiringRuns::Meaning FiringRuns::OfEnd(Finder finder, const std::string& fingerprint,
                                      Timestamp ends_at, Timestamp now) const {
  return Of(finder, fingerprint, ends_at, false, now);
}

Timestamp FiringRuns::BeginOf(const std::string& fingerprint, Timestamp starts_at) const {
  const auto alert = alerts_.find(fingerprint);
  if (alert == alerts_.end()) return starts_at;
  Timestamp begin = starts_at;
  for (bool found = true; found;) {
    found = false;
    for (const Run& run : alert->second.runs) {
      // Of one that is away it is not known how long it went on.
      const Timestamp end = run.end.value_or(ThroughOf(run.finder));
      if (!run.start.at || *run.start.at >= begin || end <= begin) continue;
      begin = *run.start.at;
      found = true;
    }
  }
  return begin;
}

void FiringRuns::Forget(Timestamp before) {
  std::erase_if(alerts_, [before](const auto& entry) {
    const Alert& alert = entry.second;
    return alert.touched < before && std::all_of(alert.runs.begin(), alert.runs.end(),
                                                 [](const Run& run) { return run.end; });
  });
}

}  // namespace alertjoin
