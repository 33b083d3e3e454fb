#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "common/time/timestamp.h"
#include "correlator-service/tables/sample_leaf.h"

namespace alertjoin {

// The samples of one series, sorted by time, each time once. They lie in leaves:
// appending touches the last one, a late sample one somewhere. Not thread-safe; movable. Before
// other threads may read, the one that has inserted calls FinishWrites.
class SampleSeries {
 public:
  enum class Outcome {
    kAppended,   // Newer than all others.
    kInserted,   // Late: between or before others.
    kReplaced,   // Another value at a known time; the new one counts.
    kUnchanged,  // Known already.
  };
  struct Inserted {
    Outcome outcome;
    // The neighbours of the sample's time, whatever the outcome.
    std::optional<Timestamp> previous;
    std::optional<Timestamp> next;
    // By how much ByteSize() has grown.
    size_t bytes_added = 0;
  };

  Inserted Insert(const Sample& sample);
  // Appends a sample that is newer than all others, where that is quick. False: nothing was done,
  // Insert will.
  bool TryAppend(const Sample& sample) { return tail_.TryAppend(sample); }
  // Of all series.
  static void FinishWrites() { SampleLeaf::FinishWrites(); }

  // The newest sample with a time <= `time`, < `time`, and the oldest with a time > `time`.
  std::optional<Sample> AtOrBefore(Timestamp time) const;
  std::optional<Sample> Before(Timestamp time) const;
  std::optional<Sample> After(Timestamp time) const;
  std::optional<Sample> Newest() const;
  std::optional<Sample> Oldest() const;
  // Appends to `out` the samples in [from, to), at most `samples_max` of them. False when that left
  // some out.
  bool Read(Timestamp from, Timestamp to, size_t samples_max, std::vector<Sample>* out) const;
  // Whether there is a sample at exactly that time.
  bool Contains(Timestamp time) const;

  // Asks the processor to fetch what putting in, or looking for, a sample of that time will touch
  // beside this object, unless it is very late. For a loop over many series.
  void PrefetchPlace(Timestamp time) const { tail_.PrefetchPlace(time); }

  // Forgets the samples before `horizon`, but for the newest of them, so that a look-up at or
  // after the horizon gives what it gave before. Returns how many went.
  size_t Expire(Timestamp horizon);

  // Takes a step for each leaf.
  size_t size() const;
  // Memory in use behind this object.
  size_t ByteSize() const;

 private:
  // A sample's place; `leaf == leaf_count()` is the end.
  struct Position {
    size_t leaf;
    size_t index;
  };

  // The first sample with a time > `time`.
  Position UpperBound(Timestamp time) const;
  std::optional<Position> Previous(Position position) const;
  Sample At(Position position) const;
  std::optional<Timestamp> TimeAt(Position position) const;
  // Returns by how much ByteSize() has grown.
  size_t InsertAt(Position position, const Sample& sample);
  // Where the leaf at the position cannot take the sample.
  void InsertBeside(Position position, const Sample& sample);
  // Moves the samples from the position on into a leaf of their own.
  void Split(Position position);
  void InsertLeaf(size_t index, SampleLeaf added);
  // A leaf of the sample alone, with room for `reserved`.
  void InsertNewLeaf(size_t index, const Sample& sample, size_t reserved = 0);

  bool empty() const { return tail_.size() == 0; }
  size_t leaf_count() const { return older_.size() + (empty() ? 0 : 1); }
  const SampleLeaf& leaf(size_t index) const {
    return index < older_.size() ? older_[index] : tail_;
  }
  SampleLeaf& leaf(size_t index) { return index < older_.size() ? older_[index] : tail_; }

  // The last leaf, where nearly all samples go: one step away. Empty only while there is no sample.
  SampleLeaf tail_;
  // The others, none empty. In this object, so that their number is known without a look elsewhere.
  std::vector<SampleLeaf> older_;
};

}  // namespace alertjoin
