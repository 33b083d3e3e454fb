#include "correlator-service/join/kept_match.h"

#include <gtest/gtest.h>

#include <cmath>
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

using Parts = std::vector<std::function<void(Match&)>>;

// Matches with each of the parts there or not, and all combinations of the others.
std::vector<Match> AllMatches(const Parts& parts) {
  std::vector<Match> matches(size_t{1} << parts.size());
  for (size_t chosen = 0; chosen < matches.size(); ++chosen) {
    matches[chosen].state = MatchState::kTooOld;
    for (size_t i = 0; i < parts.size(); ++i) {
      if ((chosen >> i & 1) != 0) parts[i](matches[chosen]);
    }
  }
  return matches;
}

// Each thing that a match may say; from the fourth on it takes more than a sample.
const Parts kParts = {
    [](Match& match) { match.value = 1.5; },
    [](Match& match) { match.sample_time = At(10); },
    [](Match& match) { match.sample_received_time = At(11); },
    [](Match& match) { match.next_value = 2.5; },
    [](Match& match) { match.next_sample_time = At(20); },
    [](Match& match) { match.value_at_active = 3.5; },
    [](Match& match) { match.active_sample_time = At(5); },
    [](Match& match) { match.query_error = std::make_shared<const std::string>("no such"); },
};

TEST(KeptMatch, GivesBackWhatItWasMadeOf) {
  const std::vector<Match> matches = AllMatches(kParts);
  for (size_t chosen = 0; chosen < matches.size(); ++chosen) {
    ExpectSame(KeptMatch(matches[chosen]).Get(), matches[chosen]);
    EXPECT_EQ(KeptMatch(matches[chosen]).ByteSize() > 0, chosen >> 3 != 0) << chosen;
  }
}

TEST(KeptMatch, IsComparedAsAMatchIs) {
  std::vector<Match> matches = AllMatches(kParts);
  const auto add = [&matches](const std::function<void(Match&)>& change) {
    Match& other = matches.emplace_back(matches[7]);
    change(other);
  };
  add([](Match& match) { match.state = MatchState::kMatched; });
  add([](Match& match) { match.value = 2; });
  add([](Match& match) { match.value = std::nan(""); });
  add([](Match& match) { match.sample_time = At(9); });
  add([](Match& match) { match.sample_received_time = At(12); });
  for (const Match& a : matches) {
    const KeptMatch kept(a);
    for (const Match& b : matches) {
      Match shown = b;
      shown.series = std::make_shared<const SeriesKey>();
      ASSERT_EQ(kept.IsSameForReaders(shown), SameForReaders(a, b));
    }
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
