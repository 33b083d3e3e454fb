// The engine against the naive join on random histories: late, doubled, tied, reordered, amended
// and stale-marked events, progress at any point, series that appear late.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/checked_engine.h"
#include "tests/support/join_events.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

// In batches of random sizes. With retention the horizons pass now and then.
void ApplyAll(const std::vector<Event>& events, bool retention, RandomHistory& history,
              CheckedEngine& engine) {
  for (size_t at = 0; at < events.size();) {
    const size_t size = std::min(events.size() - at, static_cast<size_t>(1 + history.Upto(7)));
    const auto begin = events.begin() + static_cast<std::ptrdiff_t>(at);
    ASSERT_EQ(engine.Apply({begin, begin + static_cast<std::ptrdiff_t>(size)}), "");
    at += size;
    if (history.Upto(7) == 0) engine.TrimLog();
    if (history.Upto(7) == 0) {
      ASSERT_EQ(engine.Restart(), "");
    }
    if (!retention || history.Upto(2) != 0) continue;
    const Timestamp samples = At(history.Upto(90));
    const Timestamp rows = At(history.Upto(90));
    ASSERT_EQ(engine.Expire(samples, rows), "");
  }
}

void CheckSeed(uint64_t seed, RowIds& ids) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomHistory history(seed);
  const bool ties = seed % 2 == 0;
  const bool retention = seed % 3 == 0;
  std::vector<Event> events = history.Make(ties);
  CheckedEngine engine(ids);
  ASSERT_NO_FATAL_FAILURE(ApplyAll(events, retention, history, engine));
  if (ties || retention) return;
  // Any order and repetition: the same rows with the same ids.
  const size_t count = events.size();
  for (size_t i = 0; i < count / 4; ++i) events.push_back(events[i]);
  std::shuffle(events.begin(), events.end(), history.random());
  CheckedEngine shuffled(ids);
  ASSERT_NO_FATAL_FAILURE(ApplyAll(events, false, history, shuffled));
  ASSERT_EQ(shuffled.RowsWithIds(), engine.RowsWithIds());
}

// ALERTJOIN_TEST_HISTORIES: how many, for longer runs.
uint64_t HistoryCount() {
  const char* const given = std::getenv("ALERTJOIN_TEST_HISTORIES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 3'000;
}

TEST(EngineOracle, AgreesRowForRowOnRandomHistories) {
  const uint64_t first = TestSeed();
  RowIds ids;  // Of all histories: an id depends on nothing but what makes the row.
  for (uint64_t seed = first; seed < first + HistoryCount(); ++seed) {
    CheckSeed(seed, ids);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace alertjoin
