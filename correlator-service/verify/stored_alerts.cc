#include "correlator-service/verify/stored_alerts.h"

#include <fmt/format.h>

#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

constexpr size_t kChangesPerRead = 10'000;
constexpr size_t kBytesPerRead = 64 << 20;

std::string TimeText(const std::optional<Timestamp>& time) {
  return time ? FormatRfc3339(*time) : std::string("none");
}

EpisodeName NameOf(const Alert& alert) {
  return {alert.transition->source, alert.transition->fingerprint, alert.starts_at()};
}

}  // namespace

std::string ToText(const EpisodeName& name) {
  return fmt::format("alert {} of {} from {}", name.fingerprint, name.source,
                     FormatRfc3339(name.starts_at));
}

absl::StatusOr<StoredAlerts> StoredAlerts::Read(const RowDatabase& database, const Visit& visit) {
  StoredAlerts alerts;
  const Sequence newest = database.newest();
  for (Sequence after = database.floor(); after < newest;) {
    ASSIGN_OR_RETURN(const ChangesRead read,
                     database.ReadChanges(after, newest, kChangesPerRead, kBytesPerRead));
    for (const SharedChangeSet& set : read.sets) {
      alerts.Take(*set);
      visit(*set);
    }
    after = read.sets.back()->sequence;
  }
  RETURN_IF_ERROR(database.ForEachAlert(
      [&](RowId id, Sequence sequence) { alerts.sequences_.emplace(id, sequence); }));
  for (const auto& [id, change] : alerts.by_id_) {
    if (change.alert->operation == Operation::kDelete) {
      alerts.removed_.insert(NameOf(*change.alert));
      continue;
    }
    const auto [other, is_new] = alerts.by_name_.emplace(NameOf(*change.alert), id);
    if (!is_new) alerts.doubled_.push_back({other->first, "is there twice"});
  }
  return alerts;
}

void StoredAlerts::Take(const ChangeSet& set) {
  for (const AlertChange& change : set.alerts) {
    by_id_.insert_or_assign(change.alert->id, LastChange{change.alert, set.sequence});
  }
}

std::string StoredAlerts::Compare(const EpisodeName& name, std::optional<Timestamp> ends_at,
                                  std::optional<Timestamp> active_at) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return removed_.contains(name) ? "is missing: its last change removed it" : "";
  }
  const LastChange& change = by_id_.at(found->second);
  by_name_.erase(found);
  ++compared_;
  const Transition& told = *change.alert->transition;
  if ((told.state == AlertState::kResolved) != ends_at.has_value()) {
    return told.state == AlertState::kResolved ? "is RESOLVED, should be FIRING"
                                               : "is FIRING, should be RESOLVED";
  }
  if (told.ends_at != ends_at) {
    return fmt::format("ends at {}, should end at {}", TimeText(told.ends_at), TimeText(ends_at));
  }
  if (told.active_at != active_at) {
    return fmt::format("has its pending start at {}, should have it at {}",
                       TimeText(told.active_at), TimeText(active_at));
  }
  return "";
}

std::vector<StoredAlerts::Difference> StoredAlerts::Rest() const {
  std::vector<Difference> differences = doubled_;
  for (const auto& [name, id] : by_name_) differences.push_back({name, "should not be there"});
  for (const auto& [id, change] : by_id_) {
    const bool removed = change.alert->operation == Operation::kDelete;
    const auto kept = sequences_.find(id);
    if (removed ? kept != sequences_.end()
                : kept == sequences_.end() || kept->second != change.sequence) {
      differences.push_back({NameOf(*change.alert), "has another sequence than its last change"});
    }
  }
  return differences;
}

}  // namespace alertjoin
