#include "correlator-service/join/small_map.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using Boxes = SmallMap<int, std::unique_ptr<int>>;

void Put(Boxes& boxes, int key) { boxes[key] = std::make_unique<int>(10 * key); }

// The map against std::map in every way to ask.
void ExpectSame(const Boxes& boxes, const std::map<int, int>& expected, int keys_max) {
  ASSERT_EQ(boxes.size(), expected.size());
  ASSERT_EQ(boxes.empty(), expected.empty());
  auto place = expected.begin();
  for (const auto& [key, box] : boxes) {
    ASSERT_EQ(key, place->first);
    ASSERT_NE(box, nullptr);
    ASSERT_EQ(*box, place->second);
    ++place;
  }
  for (int key = -1; key <= keys_max + 1; ++key) {
    ASSERT_EQ(boxes.lower_bound(key) - boxes.begin(),
              std::distance(expected.begin(), expected.lower_bound(key)));
    ASSERT_EQ(boxes.upper_bound(key) - boxes.begin(),
              std::distance(expected.begin(), expected.upper_bound(key)));
    ASSERT_EQ(boxes.find(key) != boxes.end(), expected.contains(key));
  }
}

TEST(SmallMap, ErasesEveryRangeOfEverySize) {
  constexpr int kSizeMax = 9;
  for (int size = 0; size <= kSizeMax; ++size) {
    for (int first = 0; first <= size; ++first) {
      for (int last = first; last <= size; ++last) {
        Boxes boxes;
        std::map<int, int> expected;
        for (int key = 0; key < size; ++key) {
          Put(boxes, key);
          if (key < first || key >= last) expected[key] = 10 * key;
        }
        const auto behind = boxes.erase(boxes.begin() + first, boxes.begin() + last);
        ASSERT_EQ(behind - boxes.begin(), first) << size << " [" << first << ", " << last << ")";
        ASSERT_NO_FATAL_FAILURE(ExpectSame(boxes, expected, kSizeMax));
      }
    }
  }
}

TEST(SmallMap, WhatIsErasedIsDestroyedAtOnce) {
  SmallMap<int, std::shared_ptr<int>> held;
  const auto box = std::make_shared<int>(1);
  for (int key = 0; key < 6; ++key) held[key] = box;
  held.erase(held.begin());
  held.erase(held.begin() + 1);
  held.erase(held.begin() + 3);
  EXPECT_EQ(box.use_count(), 4);
}

TEST(SmallMap, IsAMapWhateverIsDoneToIt) {
  constexpr int kKeysMax = 40;
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto upto = [&random](int max) {
    return static_cast<int>(random() % static_cast<uint64_t>(max + 1));
  };
  for (int round = 0; round < 100; ++round) {
    Boxes boxes;
    std::map<int, int> expected;
    for (int step = 0; step < 60; ++step) {
      const int key = upto(kKeysMax);
      if (upto(2) > 0) {
        Put(boxes, key);
        expected[key] = 10 * key;
      } else if (const auto found = boxes.find(key); found != boxes.end()) {
        const auto behind = boxes.erase(found);
        const auto behind_expected = expected.erase(expected.find(key));
        ASSERT_EQ(behind == boxes.end(), behind_expected == expected.end());
        if (behind == boxes.end()) continue;
        ASSERT_EQ(behind->first, behind_expected->first);
      } else if (!boxes.empty()) {
        boxes.erase(boxes.begin());
        expected.erase(expected.begin());
      }
      ASSERT_NO_FATAL_FAILURE(ExpectSame(boxes, expected, kKeysMax));
    }
  }
}

}  // namespace
}  // namespace alertjoin
