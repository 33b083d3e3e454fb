// The engine against the naive join on random histories: late, doubled, tied, reordered, amended
// and stale-marked events, progress at any point, series that appear late.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "correlator-service/join/engine.h"
#include "tests/support/join_events.h"
#include "tests/support/naive_join.h"
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
          events.push_back(MakeProgress());
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
    // The bindings follow from the alert and vary in every way.
    std::vector<Binding> bindings;
    if (labels.Get("a") == "0") {
      bindings.push_back(BindAgreeing("p"));
      bindings.back().first_after = true;
      bindings.back().tolerance = Millis(10);
    }
    if (labels.Get("i") == "0") {
      bindings.push_back(BindOn("q", {"i"}));
      bindings.back().strict = labels.Get("a") == "0";
      bindings.back().tolerance = Millis(20);
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

std::vector<std::string> WithIds(const std::vector<JoinedRow>& rows) {
  std::vector<std::string> texts;
  for (const JoinedRow& row : rows) texts.push_back(ToHex(row.id) + " " + Describe(row));
  std::sort(texts.begin(), texts.end());
  return texts;
}

// An engine, and the table that a reader of its changes holds.
class FollowedEngine {
 public:
  void Apply(std::vector<Event> batch) { Fold(engine_.Apply(std::move(batch), At(1))); }
  void Expire(Timestamp sample_horizon, Timestamp row_horizon) {
    Fold(engine_.Expire(sample_horizon, row_horizon, At(1)));
  }

  std::vector<JoinedRow> Rows() const { return engine_.Rows(); }
  std::vector<JoinedRow> Folded() const {
    std::vector<JoinedRow> rows;
    for (const auto& [id, row] : folded_) rows.push_back(row);
    return rows;
  }

 private:
  void Fold(const std::vector<JoinedRow>& changes) {
    std::set<RowId> changed;
    for (const JoinedRow& row : changes) {
      ASSERT_TRUE(changed.insert(row.id).second) << "two changes of a row in one batch";
      if (row.operation == Operation::kDelete) {
        ASSERT_EQ(folded_.erase(row.id), 1u);
        continue;
      }
      const auto [entry, is_new] = folded_.insert_or_assign(row.id, row);
      ASSERT_EQ(is_new, row.revision == 1);
    }
  }

  Engine engine_{EngineLimits{}};
  std::map<RowId, JoinedRow> folded_;
};

// In batches of random sizes. With retention the horizons pass now and then, and what comes out
// depends on when: the two are compared at each step.
void ApplyAll(const std::vector<Event>& events, bool retention, History& history,
              FollowedEngine& engine, NaiveJoin& naive) {
  for (size_t at = 0; at < events.size();) {
    const size_t size = std::min(events.size() - at, static_cast<size_t>(1 + history.Upto(7)));
    const auto begin = events.begin() + static_cast<std::ptrdiff_t>(at);
    const std::vector<Event> batch(begin, begin + static_cast<std::ptrdiff_t>(size));
    at += size;
    ASSERT_NO_FATAL_FAILURE(engine.Apply(batch));
    naive.Apply(batch);
    if (!retention) continue;
    ASSERT_EQ(Describe(engine.Rows()), naive.Rows());
    if (history.Upto(2) != 0) continue;
    const Timestamp samples = At(history.Upto(90));
    const Timestamp rows = At(history.Upto(90));
    ASSERT_NO_FATAL_FAILURE(engine.Expire(samples, rows));
    naive.Expire(samples, rows);
    ASSERT_EQ(Describe(engine.Rows()), naive.Rows());
  }
}

void CheckSeed(uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  History history(seed);
  const bool ties = seed % 2 == 0;
  const bool retention = seed % 3 == 0;
  std::vector<Event> events = history.Make(ties);
  FollowedEngine engine;
  NaiveJoin naive;
  ASSERT_NO_FATAL_FAILURE(ApplyAll(events, retention, history, engine, naive));
  ASSERT_EQ(Describe(engine.Rows()), naive.Rows());
  ASSERT_EQ(WithIds(engine.Folded()), WithIds(engine.Rows()));
  if (ties || retention) return;
  // Any order and repetition: the same rows with the same ids.
  const size_t count = events.size();
  for (size_t i = 0; i < count / 4; ++i) events.push_back(events[i]);
  std::shuffle(events.begin(), events.end(), history.random());
  FollowedEngine shuffled;
  NaiveJoin unused;
  ASSERT_NO_FATAL_FAILURE(ApplyAll(events, false, history, shuffled, unused));
  ASSERT_EQ(WithIds(shuffled.Rows()), WithIds(engine.Rows()));
}

// ALERTJOIN_TEST_HISTORIES: how many, for longer runs.
uint64_t HistoryCount() {
  const char* const given = std::getenv("ALERTJOIN_TEST_HISTORIES");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 3'000;
}

TEST(EngineOracle, AgreesRowForRowOnRandomHistories) {
  const uint64_t first = TestSeed();
  for (uint64_t seed = first; seed < first + HistoryCount(); ++seed) {
    CheckSeed(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace alertjoin
