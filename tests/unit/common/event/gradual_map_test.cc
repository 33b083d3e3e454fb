#include "common/event/gradual_map.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace alertjoin {
namespace {

struct CountingHash {
  size_t operator()(int key) const {
    ++*calls;
    return static_cast<size_t>(key) * 0x9e3779b97f4a7c15u;
  }
  // One that many copies count with.
  static inline size_t count = 0;
  size_t* calls = &count;
};

TEST(GradualMap, KeepsTheFirstValueOfEachKey) {
  GradualMap<int, int, CountingHash> map;
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_EQ(map.TryEmplace(i, -i), std::pair(-i, true));
    EXPECT_EQ(map.size(), static_cast<size_t>(i) + 1);
    // Whether they have been moved or not.
    for (const int known : {0, i / 2, i}) {
      ASSERT_EQ(map.TryEmplace(known, 7), std::pair(-known, false)) << known << " of " << i;
    }
    EXPECT_EQ(map.size(), static_cast<size_t>(i) + 1);
  }
}

TEST(GradualMap, NeverMovesManyEntriesAtOnce) {
  GradualMap<int, int, CountingHash> map;
  size_t waited_max = 0;
  for (int i = 0; i < 200'000; ++i) {
    const size_t before = CountingHash::count;
    map.TryEmplace(i, i);
    // An entry that is moved is hashed again.
    ASSERT_LE(CountingHash::count - before, 10u) << i;
    waited_max = std::max(waited_max, map.waiting_to_move());
  }
  EXPECT_GT(waited_max, 50'000u);
  EXPECT_EQ(map.waiting_to_move(), 0u);
}

}  // namespace
}  // namespace alertjoin
