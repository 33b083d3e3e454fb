#pragma once

#include <cstddef>
#include <memory>

#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// The match of a row as the engine keeps it, without its series: a quarter of the size of a Match
// where it has nothing but a sample, as nearly all have. Not thread-safe; movable.
class KeptMatch {
 public:
  KeptMatch() = default;
  explicit KeptMatch(const Match& match);

  // Its series is null.
  Match Get() const;
  // SameForReaders (as_of.h) of both, the series apart.
  bool IsSameForReaders(const Match& match) const;

  // Memory in use behind this object.
  size_t ByteSize() const { return whole_ == nullptr ? 0 : kWholeBytes; }

 private:
  // With what the allocator adds.
  static constexpr size_t kWholeBytes = sizeof(Match) + 16;

  MatchState state_ = MatchState::kUnbound;
  bool has_value_ = false;
  bool has_sample_time_ = false;
  bool has_received_time_ = false;
  double value_ = 0;
  Timestamp sample_time_;
  Timestamp received_time_;
  // All of a match that has more. Null: it has not.
  std::unique_ptr<const Match> whole_;
};

}  // namespace alertjoin
