#include "correlator-service/rows/alert_table.h"

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "correlator-service/model/transition_report.h"
#include "correlator-service/rows/read_range.h"

namespace alertjoin {
namespace {

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
  if (known != by_id_.end()) by_position_.erase(PositionOf(*known->second));
  if (alert->operation == Operation::kDelete) {
    CHECK(known != by_id_.end());
    by_id_.erase(known);
    return;
  }
  by_position_.emplace(PositionOf(*alert), alert);
  by_id_.insert_or_assign(alert->id, alert);
}

void AlertTable::Load(SharedAlert alert) {
  CHECK(alert->operation == Operation::kUpsert);
  CHECK(by_id_.emplace(alert->id, alert).second);
  by_position_.emplace(PositionOf(*alert), alert);
}

bool AlertTable::Read(const RowRange& range, size_t alerts_max,
                      std::vector<SharedAlert>& page) const {
  return ReadRange(by_position_, range, alerts_max, page);
}

SharedAlert AlertTable::Find(const RowId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace alertjoin
