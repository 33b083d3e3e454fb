#include "correlator-service/join/row_table.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/status/status.h"
#include "correlator-service/join/as_of.h"
#include "correlator-service/join/row_id.h"
#include "correlator-service/join/row_match.h"
#include "correlator-service/model/row_size.h"
#include "correlator-service/model/transition_report.h"

namespace alertjoin {
namespace {

// With the transition's binding that it is of, and its places in two indexes.
constexpr uint64_t kRowBytes = sizeof(BoundTransition) + 64;

// What a revision with several reasons is said to be caused by.
int Strength(Cause cause) {
  switch (cause) {
    case Cause::kAlert:
      return 6;
    case Cause::kAlertAmended:
      return 5;
    case Cause::kLateSample:
      return 4;
    case Cause::kSample:
      return 3;
    case Cause::kQueryError:
      return 2;
    case Cause::kFinalized:
      return 1;
    case Cause::kExpired:
      return 0;
  }
  return 0;
}

// Puts the row into a set under all its moments, which may be the same.
void AddByMoments(RowState& row, RowsByTime& rows) {
  // Most are of newer alerts than all others.
  rows.emplace_hint(rows.end(), row.time, &row);
  if (row.active_at) rows.emplace(*row.active_at, &row);
}

void EraseByMoments(RowState& row, RowsByTime& rows) {
  rows.erase({row.time, &row});
  if (row.active_at) rows.erase({*row.active_at, &row});
}

template <typename Visit>
void ForEachRow(TransitionState& transition, Visit visit) {
  for (BoundTransition& bound : transition.bound) {
    for (RowState& row : bound.rows) visit(row);
  }
}

}  // namespace

void RowTable::SetProvisional(RowState& row, bool provisional) {
  if (row.is_provisional == provisional) return;
  row.is_provisional = provisional;
  RowsByTime& rows = row.bound->query()->provisional;
  if (provisional) {
    AddByMoments(row, rows);
  } else {
    EraseByMoments(row, rows);
  }
}

void RowTable::Index(RowState& row) {
  if (row.bound->query() != nullptr) SetProvisional(row, true);
  if (row.series == nullptr) return;
  SeriesState& series = *row.series;
  AddByMoments(row, series.rows->by_time);
  series.rows->has_first_after |= row.bound->binding->binding->first_after;
  const Timestamp newest = row.active_at ? std::max(row.time, *row.active_at) : row.time;
  series.newest_row_time =
      series.rows->has_first_after ? Timestamp::Max() : std::max(series.newest_row_time, newest);
}

void RowTable::Unindex(RowState& row) {
  SetProvisional(row, false);
  if (row.series != nullptr) EraseByMoments(row, row.series->rows->by_time);
}

void RowTable::MakeId(RowState& row) {
  if (row.has_id) return;
  const TransitionState& transition = *row.bound->transition;
  RowSubject subject;
  if (row.series != nullptr) {
    subject = row.series->rows->subject;
  } else if (row.bound->query() != nullptr) {
    subject = row.bound->query()->no_series;
  }
  row.id = MakeRowId(transition.transition->source, transition.transition->fingerprint,
                     transition.episode, transition.transition->state, subject);
  row.has_id = true;
}

void RowTable::Create(BoundTransition& bound, SeriesState* series, Cause reason) {
  if (series != nullptr && series->rows == nullptr) {
    series->rows = std::make_unique<SeriesRows>();
    series->rows->subject = MakeRowSubject(bound.query()->query, &series->key->labels);
  }
  RowState& row = bound.rows.Add();
  const Transition& transition = *bound.transition->transition;
  row.bound = &bound;
  row.series = series;
  row.time = transition.event_time();
  row.active_at = transition.active_at;
  Index(row);
  Touch(row, reason);
  ++size_;
  bytes_ += kRowBytes;
}

void RowTable::Adopt(TransitionState& transition) {
  Count(transition);
  TouchedOf(transition).is_new = true;
}

void RowTable::Count(TransitionState& transition) {
  // Without the first row and its binding, which are inside it and, where there is one, are counted
  // with the rows.
  constexpr size_t kOwnBytes = sizeof(TransitionState) - sizeof(BoundTransition);
  transition.bytes = static_cast<uint32_t>(kOwnBytes + ApproximateBytes(*transition.transition));
  bytes_ += transition.bytes;
}

RowTable::Touched& RowTable::TouchedOf(TransitionState& transition) {
  if (transition.touched == 0) {
    touched_.emplace_back().transition = &transition;
    transition.touched = static_cast<uint32_t>(touched_.size());
  }
  return touched_[transition.touched - 1];
}

void RowTable::Forget(absl::InlinedVector<RowState*, 1>& dirty, const RowState& row) {
  dirty.erase(std::find(dirty.begin(), dirty.end(), &row));
}

void RowTable::Touch(RowState& row, Cause reason) {
  if (row.reason.has_value()) {
    if (Strength(*row.reason) < Strength(reason)) row.reason = reason;
    return;
  }
  row.reason = reason;
  TouchedOf(*row.bound->transition).dirty.push_back(&row);
}

void RowTable::Retire(RowState& row, Cause reason) {
  Unindex(row);
  if (row.reason.has_value()) Forget(TouchedOf(*row.bound->transition).dirty, row);
  if (row.revision > 0) {
    ++row.revision;
    Touched& touched = TouchedOf(*row.bound->transition);
    touched.deleted.push_back(Describe(row, Operation::kDelete, reason, Timestamp()));
    if (touched.known != nullptr) touched.deleted.back().transition = touched.known;
  }
  --size_;
  bytes_ -= kRowBytes + row.match.ByteSize();
}

void RowTable::Amend(TransitionState& transition, std::shared_ptr<const Transition> amended) {
  Touched& touched = TouchedOf(transition);
  if (touched.known == nullptr && !touched.is_new) touched.known = transition.transition;
  transition.transition = std::move(amended);
  bytes_ -= transition.bytes;
  Count(transition);
  const Timestamp time = transition.transition->event_time();
  ForEachRow(transition, [&](RowState& row) {
    Unindex(row);
    row.time = time;
    row.active_at = transition.transition->active_at;
    Index(row);
    Touch(row, Cause::kAlertAmended);
  });
}

void RowTable::Bury(std::unique_ptr<TransitionState> transition) {
  CHECK(transition->touched == 0 || touched_[transition->touched - 1].dirty.empty());
  bytes_ -= transition->bytes;
  buried_.push_back(std::move(transition));
}

void RowTable::Judge(const Touched& touched, RowState& row, Timestamp applied_at,
                     std::vector<JoinedRow>& changes) {
  const Transition& transition = *touched.transition->transition;
  const Transition* const known = touched.known.get();  // Null: it is the same.
  const bool has_known_start =
      !row.has_other_start && (known == nullptr || known->active_at == transition.active_at);
  auto [match, final] = MatchRow(row, has_known_start, sample_horizon_);
  Cause cause = *std::exchange(row.reason, std::nullopt);
  if (row.bound->query() != nullptr) SetProvisional(row, !final && row.time >= sample_horizon_);
  if (row.revision > 0) {
    const bool revised = !row.match.IsSameForReaders(match);
    const bool amended =
        row.is_known_otherwise || (known != nullptr && !SameForReaders(*known, transition));
    if (!revised && !amended && final == row.final) return;
    if (revised && row.final) ++revisions_after_final_;
    if (amended) {
      cause = Cause::kAlertAmended;
    } else if (!revised) {
      cause = Cause::kFinalized;
    } else if (row.series == nullptr) {
      cause = Cause::kQueryError;
    } else if (row.final || cause != Cause::kSample) {
      cause = Cause::kLateSample;
    }
  }
  SetMatch(row, match);
  row.final = final;
  row.is_known_otherwise = false;
  row.has_other_start = false;
  ++row.revision;
  changes.push_back(Describe(row, std::move(match), Operation::kUpsert, cause, applied_at));
}

void RowTable::AdoptDeleted() {
  std::map<RowId, JoinedRow*> deleted;
  for (Touched& touched : touched_) {
    for (JoinedRow& row : touched.deleted) deleted.emplace(row.id, &row);
  }
  if (deleted.empty()) return;
  for (const Touched& touched : touched_) {
    for (RowState* const row : touched.dirty) {
      if (row->revision > 0) continue;
      const auto found = deleted.find(row->id);
      if (found == deleted.end()) continue;
      JoinedRow& before = *found->second;
      --before.revision;
      SetKnown(*row, before);
      before.revision = 0;
    }
  }
  for (Touched& touched : touched_) {
    std::erase_if(touched.deleted, [](const JoinedRow& row) { return row.revision == 0; });
  }
}

void RowTable::SetMatch(RowState& row, const Match& match) {
  bytes_ -= row.match.ByteSize();
  row.match = KeptMatch(match);
  bytes_ += row.match.ByteSize();
}

void RowTable::SetKnown(RowState& row, const JoinedRow& known) {
  const BoundTransition& bound = *row.bound;
  const Transition& transition = *bound.transition->transition;
  const auto binding = bound.binding == nullptr ? nullptr : bound.binding->binding;
  row.revision = static_cast<uint32_t>(known.revision);
  SetMatch(row, known.match);
  row.final = known.final;
  row.is_known_otherwise =
      known.binding != binding || !SameForReaders(*known.transition, transition);
  row.has_other_start = known.transition->active_at != transition.active_at;
}

std::vector<JoinedRow> RowTable::Flush(Timestamp applied_at) {
  // All at once, since hashing needs much of the cache for itself.
  size_t changes_max = 0;
  for (const Touched& touched : touched_) {
    changes_max += touched.deleted.size() + touched.dirty.size();
    for (RowState* const row : touched.dirty) {
      MakeId(*row);
      // For its count of references, in Describe.
      if (row->series != nullptr) __builtin_prefetch(row->series->key.get(), 1);
    }
  }
  AdoptDeleted();
  std::vector<JoinedRow> changes;
  changes.reserve(changes_max);
  for (Touched& touched : touched_) {
    for (JoinedRow& deleted : touched.deleted) {
      deleted.applied_time = applied_at;
      changes.push_back(std::move(deleted));
    }
    for (RowState* const row : touched.dirty) Judge(touched, *row, applied_at, changes);
    touched.transition->touched = 0;
  }
  touched_.clear();
  buried_.clear();
  return changes;
}

void RowTable::Restore(RowState& row, JoinedRow& known) {
  TransitionState& transition = *row.bound->transition;
  if (*known.transition == *transition.transition) known.transition = transition.transition;
  const BindingState* const binding = row.bound->binding;
  if (binding != nullptr && *known.binding == *binding->binding) known.binding = binding->binding;
  if (row.series != nullptr) known.match.series = row.series->key;
  if (known.match.query_error != nullptr && binding != nullptr) {
    const auto& fault = row.bound->query()->fault.text;
    if (fault != nullptr && *fault == *known.match.query_error) known.match.query_error = fault;
  }
  SetKnown(row, known);
  TouchedOf(transition).is_new = false;
  if (row.bound->query() != nullptr) SetProvisional(row, !row.final);
  if (row.reason.has_value()) {
    row.reason.reset();
    Forget(TouchedOf(transition).dirty, row);
  }
}

JoinedRow RowTable::Describe(const RowState& row, Operation operation, Cause cause,
                             Timestamp applied_at) {
  return Describe(row, row.match.Get(), operation, cause, applied_at);
}

JoinedRow RowTable::Describe(const RowState& row, Match match, Operation operation, Cause cause,
                             Timestamp applied_at) {
  if (row.series != nullptr) match.series = row.series->key;
  const BindingState* const binding = row.bound->binding;
  return {.id = row.id,
          .revision = row.revision,
          .sequence = {},
          .operation = operation,
          .cause = cause,
          .final = row.final,
          .transition = row.bound->transition->transition,
          .binding = binding == nullptr ? nullptr : binding->binding,
          .match = std::move(match),
          .applied_time = applied_at};
}

}  // namespace alertjoin
