#include "correlator-service/join/near_end.h"

#include <gtest/gtest.h>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"

namespace alertjoin {
namespace {

// Few and many, with room for keys before, between and behind.
constexpr int kSizeMax = 40;

template <typename Ordered>
void ExpectSameAsItsOwnSearches(Ordered& numbers, int key_max) {
  for (int key = -1; key <= key_max; ++key) {
    SCOPED_TRACE(testing::Message() << "key " << key << " of " << numbers.size());
    EXPECT_EQ(LowerBoundNearEnd(numbers, key), numbers.lower_bound(key));
    EXPECT_EQ(FindNearEnd(numbers, key), numbers.find(key));
  }
}

TEST(NearEndTest, FindsInASetWhatTheSetFinds) {
  absl::btree_set<int> numbers;
  for (int size = 0; size <= kSizeMax; ++size) {
    ExpectSameAsItsOwnSearches(numbers, 2 * size + 1);
    numbers.insert(2 * size);
  }
}

TEST(NearEndTest, FindsInAMapWhatTheMapFinds) {
  absl::btree_map<int, int> numbers;
  for (int size = 0; size <= kSizeMax; ++size) {
    ExpectSameAsItsOwnSearches(numbers, 2 * size + 1);
    numbers.emplace(2 * size, size);
  }
}

TEST(NearEndTest, GivesPlacesToChange) {
  absl::btree_map<int, int> numbers{{1, 10}, {2, 20}};
  LowerBoundNearEnd(numbers, 2)->second = 21;
  EXPECT_EQ(numbers.at(2), 21);
  numbers.emplace_hint(LowerBoundNearEnd(numbers, 3), 3, 30);
  EXPECT_EQ(numbers.at(3), 30);
}

}  // namespace
}  // namespace alertjoin
