#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "correlator-service/join/engine.h"
#include "tests/support/join_events.h"

namespace alertjoin {

inline const LabelSet kOne{{"i", "1"}};

// An engine, and what it makes of events, as text.
class EngineTest : public ::testing::Test {
 protected:
  // The changes that the events make, applied as one batch.
  std::vector<std::string> Apply(std::vector<Event> events) {
    std::vector<std::string> texts;
    for (const JoinedRow& row : engine_.Apply(events, At(1'000'000))) {
      texts.push_back(DescribeChange(row));
    }
    return texts;
  }
  std::vector<std::string> Rows() { return Describe(engine_.Rows()); }

  Engine engine_{EngineLimits{}};
};

}  // namespace alertjoin
