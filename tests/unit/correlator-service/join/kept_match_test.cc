#include "correlator-service/join/kept_match.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "correlator-service/join/as_of.h"
#include "correlator-service/join/optional_time.h"
#include "tests/support/at_time.h"

namespace alertjoin {
namespace {

void ExpectSame(const Match& kept, const Match& match) {
  EXPECT_TRUE(SameForReaders(kept, match));
  EXPECT_EQ(kept.sample_received_time, match.sample_received_time);
}

// Each thing that a match may say, there or not, with all combinations of the others.
TEST(KeptMatch, GivesBackWhatItWasMadeOf) {
  const std::vector<std::function<void(Match&)>> parts = {
      [](Match& match) { match.value = 1.5; },
      [](Match& match) { match.sample_time = At(10); },
      [](Match& match) { match.sample_received_time = At(11); },
      [](Match& match) { match.next_value = 2.5; },
      [](Match& match) { match.next_sample_time = At(20); },
      [](Match& match) { match.value_at_active = 3.5; },
      [](Match& match) { match.active_sample_time = At(5); },
      [](Match& match) { match.query_error = std::make_shared<const std::string>("no such"); },
  };
  for (size_t chosen = 0; chosen < size_t{1} << parts.size(); ++chosen) {
    Match match;
    match.state = MatchState::kTooOld;
    for (size_t i = 0; i < parts.size(); ++i) {
      if ((chosen >> i & 1) != 0) parts[i](match);
    }
    ExpectSame(KeptMatch(match).Get(), match);
    EXPECT_EQ(KeptMatch(match).ByteSize() > 0, chosen >> 3 != 0) << chosen;
  }
}

TEST(KeptMatch, SaysNothingAtFirstAndNeverOfASeries) {
  ExpectSame(KeptMatch().Get(), Match());
  Match match;
  match.next_value = 1;
  match.series = std::make_shared<const SeriesKey>();
  EXPECT_EQ(KeptMatch(match).Get().series, nullptr);
}

TEST(OptionalTime, TellsEveryTimeFromNone) {
  EXPECT_FALSE(OptionalTime().has_value());
  EXPECT_EQ(std::optional<Timestamp>(OptionalTime()), std::nullopt);
  for (const Timestamp time : {Timestamp::Min(), At(0), Timestamp::Max()}) {
    OptionalTime there = time;
    EXPECT_EQ(std::optional<Timestamp>(there), time);
    EXPECT_EQ(*OptionalTime(std::optional(time)), time);
    there.reset();
    EXPECT_FALSE(there);
  }
}

}  // namespace
}  // namespace alertjoin
