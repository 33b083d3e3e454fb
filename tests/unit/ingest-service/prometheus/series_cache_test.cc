#include "ingest-service/prometheus/series_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ingest-service/prometheus/query_caches.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

std::shared_ptr<const Query> SomeQuery() {
  return std::make_shared<const Query>(Query{"s", "q", "x", TimeKind::kSample});
}

TEST(SeriesHistory, AgreesWithAMapWhateverTheOrder) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    SeriesHistory history;
    std::map<Timestamp, double> model;
    for (int step = 0; step < 40; ++step) {
      const Timestamp time = At(static_cast<int64_t>(random() % 20));
      const double value = static_cast<double>(random() % 5);
      switch (random() % 4) {
        case 0:
          history.Erase(time);
          model.erase(time);
          break;
        case 1: {
          history.Forget(time);
          const auto after = model.upper_bound(time);
          if (after != model.begin()) model.erase(model.begin(), std::prev(after));
          break;
        }
        default:
          history.Set(time, value);
          model[time] = value;
      }
      ASSERT_EQ(history.size(), model.size());
      for (int64_t ms = -1; ms < 21; ++ms) {
        const auto after = model.upper_bound(At(ms));
        const auto as_of = history.AsOf(At(ms));
        ASSERT_EQ(as_of.has_value(), after != model.begin());
        if (as_of.has_value()) {
          ASSERT_EQ(as_of->time, std::prev(after)->first);
          ASSERT_EQ(as_of->value, std::prev(after)->second);
        }
        ASSERT_EQ(history.At(At(ms)).has_value(), model.count(At(ms)) == 1);
        ASSERT_EQ(history.After(At(ms)).size(),
                  static_cast<size_t>(std::distance(after, model.end())));
      }
    }
  }
}

TEST(KnownSeries, HasAValueUntilAStaleMarkerOrTheBound) {
  SeriesCache cache(SomeQuery(), 10);
  KnownSeries& series = *cache.FindOrAdd({{"a", "1"}});
  EXPECT_FALSE(series.HasValueIn(At(0), At(100)));
  series.history.Set(At(50), 1);
  EXPECT_TRUE(series.HasValueIn(At(0), At(50)));
  EXPECT_TRUE(series.HasValueIn(At(49), At(100)));
  EXPECT_FALSE(series.HasValueIn(At(50), At(100)));
  EXPECT_FALSE(series.HasValueIn(At(0), At(49)));
  series.history.Set(At(60), StaleMarker());
  EXPECT_FALSE(series.HasValueIn(At(0), At(100)));
}

TEST(SeriesCache, OneObjectPerSeriesAndABound) {
  SeriesCache cache(SomeQuery(), 2);
  KnownSeries* first = cache.FindOrAdd({{"a", "1"}});
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(cache.FindOrAdd({{"a", "1"}}), first);
  EXPECT_EQ(first->key->query, cache.query());
  EXPECT_EQ(first->key->labels, (LabelSet{{"a", "1"}}));
  EXPECT_NE(cache.FindOrAdd({{"a", "2"}}), nullptr);
  EXPECT_EQ(cache.FindOrAdd({{"a", "3"}}), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(SeriesCache, ForgetsOldSamplesButKeepsTheNewestAndDropsSeriesNotHeardOf) {
  SeriesCache cache(SomeQuery(), 10);
  KnownSeries& kept = *cache.FindOrAdd({{"a", "1"}});
  kept.last_heard_of = At(1000);
  kept.history.Set(At(1), 1);
  kept.history.Set(At(2), 2);
  cache.FindOrAdd({{"a", "2"}})->last_heard_of = At(10);
  cache.Forget(At(100), At(500));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(kept.history.size(), 1u);
  EXPECT_EQ(kept.history.AsOf(At(100))->value, 2);
}

TEST(SeriesCache, CertaintyBeginsAtTheLatestDisappearance) {
  SeriesCache cache(SomeQuery(), 10);
  EXPECT_EQ(cache.CertainFrom(At(10), At(100)), At(10));
  cache.RecordDisappearance(At(50));
  cache.RecordDisappearance(At(30));
  cache.RecordDisappearance(At(200));
  EXPECT_EQ(cache.CertainFrom(At(10), At(100)), At(50));
  EXPECT_EQ(cache.CertainFrom(At(10), At(50)), At(50));
  EXPECT_EQ(cache.CertainFrom(At(10), At(49)), At(30));
  EXPECT_EQ(cache.CertainFrom(At(60), At(100)), At(60));
  cache.Forget(At(60), At(0));
  EXPECT_EQ(cache.CertainFrom(At(10), At(100)), At(10));
}

TEST(QueryCaches, SharesTheCacheOfAQueryAndForgetsItOnceIdle) {
  QueryCachesOptions options;
  options.queries_max = 2;
  QueryCaches caches(options);
  const Query query{"s", "q", "x", TimeKind::kSample};
  const Query other{"s", "other", "x", TimeKind::kSample};
  const Query third{"s", "third", "x", TimeKind::kSample};
  const auto held = caches.Find(query, At(0));
  EXPECT_EQ(caches.Find(query, At(0)), held);
  EXPECT_NE(caches.Find(other, At(0)), nullptr);
  EXPECT_EQ(caches.Find(third, At(0)), nullptr);
  const Timestamp later = At(0) + options.idle_kept + std::chrono::minutes(2);
  EXPECT_NE(caches.Find(third, later), nullptr);
  EXPECT_EQ(caches.Find(query, later), held);
  EXPECT_EQ(caches.size(), 2u);
}

}  // namespace
}  // namespace alertjoin
