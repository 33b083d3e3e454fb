#include "ingest-service/spool/dropped_events.h"

#include <algorithm>
#include <string_view>

#include "common/status/status.h"

namespace alertjoin {
namespace {

// The same for all, so that gaps that are dropped and made anew say no more each time.
constexpr char kReason[] =
    "samples were dropped, oldest first: the spool of ingest-service was full";
constexpr std::string_view kSeveral = "several gaps, one of them: ";

// The bound that holds both; nothing, which is no bound, when one has none.
template <typename Choose>
std::optional<Timestamp> Wider(std::optional<Timestamp> a, std::optional<Timestamp> b,
                               Choose choose) {
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  return choose(*a, *b);
}

void Merge(const Gap& gap, Gap& into) {
  const auto earlier = [](Timestamp a, Timestamp b) { return std::min(a, b); };
  const auto later = [](Timestamp a, Timestamp b) { return std::max(a, b); };
  into.from = Wider(into.from, gap.from, earlier);
  into.through = Wider(into.through, gap.through, later);
  if (into.reason == gap.reason || into.reason.starts_with(kSeveral)) return;
  into.reason = gap.reason.starts_with(kSeveral) ? gap.reason : std::string(kSeveral) + into.reason;
}

}  // namespace

void DroppedEvents::Range::Include(Timestamp first, Timestamp last) {
  from = std::min(from, first);
  through = std::max(through, last);
}

absl::Status DroppedEvents::Add(const Event& event) {
  if (TransitionOf(event) != nullptr || std::holds_alternative<RawPayload>(event)) {
    return WithReason(absl::FailedPreconditionError("an alert is never dropped"),
                      "ALERT_NOT_DROPPED");
  }
  ++events_;
  if (const auto* samples = std::get_if<SampleBatch>(&event)) {
    AddSamples(*samples);
  } else if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    voided_[progress->query].Include(progress->complete_from, progress->complete_through);
  } else if (const auto* gap = std::get_if<Gap>(&event)) {
    AddGap(*gap);
  }
  // Of a query's errors and of what is said of a source only the newest counts: no gap for them.
  return absl::OkStatus();
}

void DroppedEvents::AddSamples(const SampleBatch& batch) {
  samples_ += batch.size();
  // Most batches are of one query.
  const Query* query = nullptr;
  Range* range = nullptr;
  for (size_t i = 0; i < batch.size(); ++i) {
    const Query* const own = batch.series[batch.series_index[i]]->query.get();
    if (own != query) {
      query = own;
      range = &voided_[*own];
    }
    range->Include(batch.times[i], batch.times[i]);
  }
}

void DroppedEvents::AddGap(const Gap& gap) {
  if (gap.voids_progress) {
    voided_[*gap.query].Include(*gap.from, *gap.through);
    return;
  }
  const auto [entry, added] = reported_.try_emplace({gap.source, gap.query}, gap);
  if (!added) Merge(gap, entry->second);
}

std::vector<Event> DroppedEvents::Gaps() const {
  std::vector<Event> gaps;
  for (const auto& [query, range] : voided_) {
    gaps.emplace_back(Gap{query.source, query, range.from, range.through, kReason, true});
  }
  for (const auto& [place, gap] : reported_) gaps.emplace_back(gap);
  return gaps;
}

}  // namespace alertjoin
