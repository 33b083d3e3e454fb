#include "correlator-service/rows/source_board.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <utility>

#include "common/log/log.h"
#include "common/metrics/metric_families.h"

namespace alertjoin {

SourceBoard::SourceBoard(prometheus::Registry& registry)
    : sources_gauge_(&OneGauge(registry, "alertjoin_sources",
                               "Sources that producers have told of, once for each producer.")),
      refused_total_(&OneCounter(registry, "alertjoin_sources_refused_total",
                                 "Statuses of sources refused because too many are known.")) {}

SourceBoard::Update SourceBoard::Prepare(std::span<const SourceStatus> told,
                                         std::optional<Timestamp> horizon) const {
  Update update;
  if (told.empty() && !horizon) return update;
  Board changed;
  MutexLock lock(mutex_);
  size_t size = board_.size();
  for (const SourceStatus& status : told) {
    Key key = KeyOf(status);
    const auto in_commit = changed.find(key);
    const auto on_board = board_.find(key);
    const bool is_known = in_commit != changed.end() || on_board != board_.end();
    const SourceStatus* const known = in_commit != changed.end() ? in_commit->second.get()
                                      : is_known                 ? on_board->second.get()
                                                                 : nullptr;
    if (known != nullptr && (status.time < known->time || status == *known)) continue;
    if (known == nullptr && size >= kSourcesMax) {
      Refuse(status);
      continue;
    }
    if (known == nullptr) ++size;
    changed.insert_or_assign(std::move(key), std::make_shared<const SourceStatus>(status));
  }
  for (auto& [key, status] : changed) update.told.push_back(std::move(status));
  if (!horizon) return update;
  for (const auto& [key, status] : board_) {
    if (status->time < *horizon && !changed.contains(key)) update.gone.push_back(status);
  }
  return update;
}

void SourceBoard::Refuse(const SourceStatus& status) const {
  refused_total_->Increment();
  if (std::exchange(has_refused_, true)) return;
  LogWarn("more sources and producers are told of than are kept: the status of others is refused",
          {{"source", status.source},
           {"producer", status.producer_id},
           {"kept", std::to_string(kSourcesMax)}});
}

void SourceBoard::Publish(const Update& update) {
  if (update.empty()) return;
  MutexLock lock(mutex_);
  for (const SharedSourceStatus& status : update.gone) board_.erase(KeyOf(*status));
  for (const SharedSourceStatus& status : update.told) {
    board_.insert_or_assign(KeyOf(*status), status);
  }
  sources_gauge_->Set(static_cast<double>(board_.size()));
}

void SourceBoard::Load(SourceStatus status) {
  const auto shared = std::make_shared<const SourceStatus>(std::move(status));
  MutexLock lock(mutex_);
  board_.insert_or_assign(KeyOf(*shared), shared);
  sources_gauge_->Set(static_cast<double>(board_.size()));
}

std::vector<SharedSourceStatus> SourceBoard::Read() const {
  std::vector<SharedSourceStatus> all;
  MutexLock lock(mutex_);
  all.reserve(board_.size());
  for (const auto& [key, status] : board_) all.push_back(status);
  return all;
}

}  // namespace alertjoin
