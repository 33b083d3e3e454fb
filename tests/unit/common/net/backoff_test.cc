#include "common/net/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace alertjoin {
namespace {

TEST(Backoff, EachDelayLiesInTheUpperHalfOfADoublingSpan) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(Millis(100), Millis(10'000), seed);
    for (const int64_t span_ms : {100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}) {
      const int64_t delay_ms = backoff.Next().count();
      EXPECT_GE(delay_ms, span_ms / 2);
      EXPECT_LE(delay_ms, span_ms);
    }
  }
}

TEST(Backoff, ResetStartsOver) {
  Backoff backoff(Millis(100), Millis(10'000), 1);
  for (int i = 0; i < 5; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), Millis(100));
}

TEST(Backoff, DelaysDifferBetweenSeeds) {
  std::set<int64_t> delays_ms;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    delays_ms.insert(Backoff(Millis(10'000), Millis(10'000), seed).Next().count());
  }
  EXPECT_GT(delays_ms.size(), 10U);
}

}  // namespace
}  // namespace alertjoin
