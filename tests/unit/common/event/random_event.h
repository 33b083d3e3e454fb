#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "common/event/event.h"

namespace alertjoin {

// Makes events that break no rule, with hostile text, extreme times and odd numbers in them.
class RandomEvents {
 public:
  explicit RandomEvents(uint64_t seed) : random_(seed) {}
  Event Next();

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Coin() { return Below(2) == 0; }
  std::string Text();
  std::string ShortText();
  std::string Name();
  double Number();
  Timestamp Time();
  LabelSet Labels(size_t labels_max);
  Query SomeQuery();
  Binding SomeBinding();
  TransitionEvent SomeTransition();
  SampleBatch SomeSamples();
  QueryProgress SomeProgress();
  Gap SomeGap();
  SourceStatus SomeStatus();

  std::mt19937_64 random_;
};

// Everything an event says, as text with exact numbers: equal texts, equal events.
std::string Describe(const Event& event);

}  // namespace alertjoin
