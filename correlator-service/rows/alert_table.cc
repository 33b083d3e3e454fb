#include "correlator-service/rows/alert_table.h"

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "correlator-service/model/transition_report.h"
#include "correlator-service/rows/read_range.h"

namespace alertjoin {
namespace {

constexpr int64_t kHourMs = 3'600'000;

int64_t HourOf(Timestamp time) {
  const int64_t ms = time.millis();
  return ms / kHourMs - (ms % kHourMs < 0 ? 1 : 0);
}
Timestamp StartOf(int64_t hour) { return Timestamp::FromMillis(hour * kHourMs); }

bool LooksTheSame(const Alert& a, const Alert& b) {
  return a.received_time == b.received_time && SameForReaders(*a.transition, *b.transition);
}

}  // namespace

std::vector<AlertTable::Prepared> AlertTable::Prepare(std::vector<Alert> alerts) const {
  std::vector<Prepared> prepared;
  prepared.reserve(alerts.size());
  for (Alert& alert : alerts) {
    const SharedAlert known = Find(alert.id);
    if (alert.operation == Operation::kDelete) {
      if (known == nullptr) continue;
      alert.transition = known->transition;
      alert.received_time = known->received_time;
    } else if (known != nullptr && LooksTheSame(alert, *known)) {
      continue;
    }
    Prepared& change = prepared.emplace_back(Prepared{std::move(alert), std::nullopt});
    if (known != nullptr) change.previous_state = known->transition->state;
  }
  std::ranges::sort(prepared, {}, [](const Prepared& change) { return PositionOf(change.alert); });
  return prepared;
}

void AlertTable::Apply(const AlertChange& change) {
  const SharedAlert& alert = change.alert;
  const auto known = by_id_.find(alert->id);
  // An amendment may have moved it in time.
  if (known != by_id_.end()) Erase(known->second);
  if (alert->operation == Operation::kDelete) {
    CHECK(known != by_id_.end());
    by_id_.erase(known);
    return;
  }
  by_id_.insert_or_assign(alert->id, alert);
  Insert(alert);
}

void AlertTable::Load(SharedAlert alert) {
  CHECK(alert->operation == Operation::kUpsert);
  CHECK(by_id_.emplace(alert->id, alert).second);
  Insert(std::move(alert));
}

void AlertTable::Insert(SharedAlert alert) {
  Hour& hour = hours_[HourOf(alert->starts_at())];
  ++hour.alerts;
  if (alert->ends_at().has_value()) {
    hour.newest_end = std::max(hour.newest_end, alert->ends_at());
  } else {
    ++hour.open;
  }
  const RowPosition position = PositionOf(*alert);
  by_position_.emplace(position, std::move(alert));
}

void AlertTable::Erase(const SharedAlert& alert) {
  by_position_.erase(PositionOf(*alert));
  const auto hour = hours_.find(HourOf(alert->starts_at()));
  if (!alert->ends_at().has_value()) --hour->second.open;
  if (--hour->second.alerts == 0) hours_.erase(hour);
}

bool AlertTable::Read(const RowRange& range, size_t alerts_max,
                      std::vector<SharedAlert>& page) const {
  if (!range.from) return ReadRange(by_position_, range, alerts_max, page);
  const auto read = [&](Timestamp from, std::optional<Timestamp> to) {
    RowRange part = range;
    part.from = from;
    if (to) part.to = std::min(part.to.value_or(*to), *to);
    return ReadRange(by_position_, part, alerts_max, page);
  };
  int64_t first = HourOf(*range.from);
  if (!read(StartOf(first), {})) return false;
  if (range.after) first = std::min(first, HourOf(range.after->event_time) + 1);
  for (auto next = hours_.upper_bound(first); next != hours_.end(); ++next) {
    const auto& [number, hour] = *next;
    if (hour.open == 0 && *hour.newest_end <= *range.from) continue;
    if (!read(StartOf(number), StartOf(number + 1))) return false;
  }
  return true;
}

SharedAlert AlertTable::Find(const RowId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace alertjoin
