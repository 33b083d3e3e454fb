#pragma once

#include <optional>

#include "common/time/timestamp.h"

namespace alertjoin {

// Longest time that polls make up for after failures; what lies before becomes a Gap.
constexpr Millis kCatchUpMax = std::chrono::hours(1);

// How long what an expression gave is remembered, since exact queries of that time tell from it
// what has ended.
constexpr Millis kExpressionsKept = kCatchUpMax;

// How far the polls of one query have come, and how much the next one may ask for at once. Pure.
//
// What a poll leaves out for want of time, or because the answer is too large, or since the source
// said that its answer lacks something, is asked for again as soon as that may help. A value type.
class PollProgress {
 public:
  // Through which time samples were taken; nothing before the first poll. The next poll begins
  // there.
  std::optional<Timestamp> taken_through() const { return taken_through_; }
  // How much time a poll may ask for at once, though never less than it asks for as a rule.
  Millis span_max() const { return span_max_; }

  // A poll from `from` through `through` was taken. `lacks` says that something is missing that may
  // come back: it is asked for again once an answer is whole.
  void OnTaken(Timestamp from, Timestamp through, bool lacks);
  // A poll of that span asked for too much, or took too long. True when the next one will ask for
  // less; false when polls ask for `span_min` as a rule, which is no more than that.
  bool OnTooMuch(Millis span, Millis span_min);

 private:
  std::optional<Timestamp> taken_through_;
  // Since when answers lack something; nothing while they are whole.
  std::optional<Timestamp> lacking_since_;
  Millis span_max_ = kCatchUpMax;
};

}  // namespace alertjoin
