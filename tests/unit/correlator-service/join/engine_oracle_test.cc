// The engine against the naive join on random histories: late, doubled, tied, reordered, amended
// and stale-marked events, progress at any point, series that appear late.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/checked_engine.h"
#include "tests/support/join_events.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

// Small ranges, so that coincidences are the rule.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {}

  std::vector<Event> Make(bool with_ties) {
    std::vector<Event> events;
    const int64_t count = Upto(40);
    for (int64_t i = 0; i < count; ++i) {
      switch (Upto(4)) {
        case 0:
          events.push_back(Upto(4) == 0 ? MakeGap() : MakeProgress());
          break;
        case 1:
        case 2:
          events.push_back(MakeTransition());
          break;
        default:
          events.push_back(MakeSamples(with_ties));
      }
      if (Upto(5) == 0) events.push_back(events[static_cast<size_t>(Upto(i))]);
    }
    return events;
  }

  int64_t Upto(int64_t max) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(max + 1));
  }
  std::mt19937_64& random() { return random_; }

 private:
  std::string QueryName() { return Upto(1) == 0 ? "p" : "q"; }

  Event MakeProgress() {
    const int64_t from = Upto(80);
    return Covered(QueryName(), from, from + Upto(60));
  }

  Event MakeGap() {
    const QueryProgress range = Covered(QueryName(), Upto(80), 100);
    return Gap{"prom",    range.query, range.complete_from, range.complete_from + Millis(Upto(20)),
               "dropped", true};
  }

  Event MakeSamples(bool with_ties) {
    SampleBatch batch = Samples(QueryName(), Labels(), {});
    const int64_t count = Upto(3);
    for (int64_t i = 0; i <= count; ++i) {
      const int64_t time = Upto(90);
      // Without ties the value follows from the time, so that order cannot matter.
      const int64_t value = with_ties ? Upto(3) : time % 4;
      batch.series_index.push_back(0);
      batch.times.push_back(At(time));
      batch.values.push_back(value == 3 ? StaleMarker() : static_cast<double>(value));
    }
    return batch;
  }

  Event MakeTransition() {
    LabelSet labels{{"a", std::to_string(Upto(1))}, {"i", std::to_string(Upto(1))}};
    // The bindings vary in every way; those of one alert may contradict each other.
    std::vector<Binding> bindings;
    if (labels.Get("a") == "0") {
      bindings.push_back(BindAgreeing("p"));
      bindings.back().first_after = true;
      bindings.back().tolerance = Millis(10);
    }
    if (labels.Get("i") == "0") {
      bindings.push_back(BindOn("q", {"i"}));
      bindings.back().strict = labels.Get("a") == "0";
      bindings.back().tolerance = Millis(Upto(1) == 0 ? 20 : 30);
      if (Upto(2) == 0) bindings.clear();
    }
    const int64_t start = 5 * Upto(16);
    if (Upto(1) == 0) return FiringHeard(labels, start, start + Upto(20), bindings);
    return Resolved(labels, start, start + Upto(20), bindings);
  }

  LabelSet Labels() {
    LabelSet labels{{"i", std::to_string(Upto(1))}, {"x", std::to_string(Upto(1))}};
    return labels;
  }

  std::mt19937_64 random_;
};

// In batches of random sizes. With retention the horizons pass now and then.
void ApplyAll(const std::vector<Event>& events, bool retention, History& history,
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
  History history(seed);
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
