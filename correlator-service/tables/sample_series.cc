#include "correlator-service/tables/sample_series.h"

#include <algorithm>

#include "common/event/event.h"

namespace alertjoin {
namespace {

// A leaf behind a full one: the series is long.
constexpr size_t kNextLeafSamples = SampleLeaf::kSamplesMax;

}  // namespace

SampleSeries::Position SampleSeries::UpperBound(Timestamp time) const {
  // The usual case: newer than all others.
  if (empty() || tail_.last_time() <= time) return {leaf_count(), 0};
  // The next usual one, which leaves the others alone.
  const size_t in_tail = tail_.UpperBound(time);
  if (in_tail > 0) return {older_.size(), in_tail};
  const auto& leaves = older_;
  const auto found = std::partition_point(
      leaves.begin(), leaves.end(),
      [time](const SampleLeaf& candidate) { return candidate.last_time() <= time; });
  const auto index = static_cast<size_t>(found - leaves.begin());
  return {index, leaf(index).UpperBound(time)};
}

std::optional<SampleSeries::Position> SampleSeries::Previous(Position position) const {
  if (position.leaf < leaf_count() && position.index > 0) {
    return Position{position.leaf, position.index - 1};
  }
  if (position.leaf == 0) return std::nullopt;
  return Position{position.leaf - 1, leaf(position.leaf - 1).size() - 1};
}

Sample SampleSeries::At(Position position) const { return leaf(position.leaf).At(position.index); }

std::optional<Timestamp> SampleSeries::TimeAt(Position position) const {
  if (position.leaf == leaf_count()) return std::nullopt;
  return leaf(position.leaf).time(position.index);
}

SampleSeries::Inserted SampleSeries::Insert(const Sample& sample) {
  const Position next = UpperBound(sample.time);
  const auto previous = Previous(next);
  Inserted result{next.leaf == leaf_count() ? Outcome::kAppended : Outcome::kInserted,
                  previous ? TimeAt(*previous) : std::nullopt, TimeAt(next)};
  if (result.previous == sample.time) {
    SampleLeaf& target = leaf(previous->leaf);
    const bool same = SameValue(target.value(previous->index), sample.value);
    result.outcome = same ? Outcome::kUnchanged : Outcome::kReplaced;
    if (!same) target.Replace(previous->index, sample);
    const auto before = Previous(*previous);
    result.previous = before ? TimeAt(*before) : std::nullopt;
    return result;
  }
  result.bytes_added = InsertAt(next, sample);
  return result;
}

void SampleSeries::InsertLeaf(size_t index, SampleLeaf added) {
  if (empty()) {
    tail_ = std::move(added);
    return;
  }
  if (index > older_.size()) {
    older_.push_back(std::move(tail_));
    tail_ = std::move(added);
    return;
  }
  older_.insert(older_.begin() + static_cast<std::ptrdiff_t>(index), std::move(added));
}

void SampleSeries::Split(Position position) {
  InsertLeaf(position.leaf + 1, leaf(position.leaf).SplitAt(position.index));
}

size_t SampleSeries::InsertAt(Position position, const Sample& sample) {
  // At a border between leaves the sample goes to the end of the left one.
  if (position.leaf > 0 && (position.leaf == leaf_count() || position.index == 0)) {
    position = {position.leaf - 1, leaf(position.leaf - 1).size()};
  }
  SampleLeaf& target = leaf(position.leaf);
  if (!target.full() && target.Reaches(sample.time)) {
    const size_t bytes = target.ByteSize();
    target.Insert(position.index, sample);
    return target.ByteSize() - bytes;
  }
  const size_t bytes = ByteSize();
  InsertBeside(position, sample);
  return ByteSize() - bytes;
}

void SampleSeries::InsertBeside(Position position, const Sample& sample) {
  const size_t size = leaf(position.leaf).size();
  if (!leaf(position.leaf).Reaches(sample.time)) {
    // Too far away in time: a leaf of its own, between what lies before and behind it.
    if (position.index > 0) {
      if (position.index < size) Split(position);
      ++position.leaf;
    }
    InsertNewLeaf(position.leaf, sample);
  } else if (position.index == size) {
    // At its end a full leaf is left behind; elsewhere both halves keep room.
    InsertNewLeaf(position.leaf + 1, sample, kNextLeafSamples);
  } else {
    const size_t half = size / 2;
    Split({position.leaf, half});
    if (position.index > half) position = {position.leaf + 1, position.index - half};
    leaf(position.leaf).Insert(position.index, sample);
  }
}

void SampleSeries::InsertNewLeaf(size_t index, const Sample& sample, size_t reserved) {
  SampleLeaf added;
  added.Reserve(reserved);
  added.Insert(0, sample);
  InsertLeaf(index, std::move(added));
}

std::optional<Sample> SampleSeries::AtOrBefore(Timestamp time) const {
  // Nearly always in the last leaf, where the others need not be looked at.
  if (const size_t in_tail = tail_.UpperBound(time); in_tail > 0) return tail_.At(in_tail - 1);
  const auto found = Previous(UpperBound(time));
  return found ? std::optional(At(*found)) : std::nullopt;
}

std::optional<Sample> SampleSeries::Before(Timestamp time) const {
  return AtOrBefore(time - Millis(1));
}

std::optional<Sample> SampleSeries::After(Timestamp time) const {
  const Position found = UpperBound(time);
  return found.leaf < leaf_count() ? std::optional(At(found)) : std::nullopt;
}

std::optional<Sample> SampleSeries::Newest() const {
  return empty() ? std::nullopt : std::optional(tail_.At(tail_.size() - 1));
}

std::optional<Sample> SampleSeries::Oldest() const {
  return empty() ? std::nullopt : std::optional(leaf(0).At(0));
}

bool SampleSeries::Read(Timestamp from, Timestamp to, size_t samples_max,
                        std::vector<Sample>* out) const {
  if (from >= to) return true;
  Position at = from == Timestamp::Min() ? Position{0, 0} : UpperBound(from - Millis(1));
  for (; at.leaf < leaf_count(); at = {at.leaf + 1, 0}) {
    const SampleLeaf& source = leaf(at.leaf);
    for (; at.index < source.size(); ++at.index) {
      if (source.time(at.index) >= to) return true;
      if (samples_max == 0) return false;
      out->push_back(source.At(at.index));
      --samples_max;
    }
  }
  return true;
}

bool SampleSeries::Contains(Timestamp time) const {
  const auto found = Previous(UpperBound(time));
  return found && TimeAt(*found) == time;
}

size_t SampleSeries::Expire(Timestamp horizon) {
  // Not the newest at the horizon: a strict look-up there asks for what lies before it.
  const auto kept = Previous(UpperBound(horizon - Millis(1)));
  if (!kept) return 0;
  size_t dropped = kept->index;
  for (size_t i = 0; i < kept->leaf; ++i) dropped += leaf(i).size();
  if (kept->index > 0) leaf(kept->leaf).DropFront(kept->index);
  if (kept->leaf > 0) {
    older_.erase(older_.begin(), older_.begin() + static_cast<std::ptrdiff_t>(kept->leaf));
  }
  return dropped;
}

size_t SampleSeries::size() const {
  size_t samples = tail_.size();
  for (const SampleLeaf& leaf : older_) samples += leaf.size();
  return samples;
}

size_t SampleSeries::ByteSize() const {
  size_t bytes = tail_.ByteSize();
  bytes += older_.capacity() * sizeof(SampleLeaf);
  for (const SampleLeaf& leaf : older_) bytes += leaf.ByteSize();
  return bytes;
}

}  // namespace alertjoin
