#include "common/event/reference_table.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace alertjoin {
namespace {

TEST(ReferenceTable, KnowsNothingAtFirst) {
  EXPECT_EQ(ReferenceTable().Find(0), ReferenceTable::kUnknown);
  EXPECT_EQ(ReferenceTable().Find(UINT32_MAX), ReferenceTable::kUnknown);
}

TEST(ReferenceTable, FindsNeighboursStridesAndAnythingElse) {
  for (const uint32_t stride : {1u, 2u, 3u, 1'000u, 40'000'000u}) {
    ReferenceTable table;
    for (uint32_t number = 0; number < 100; ++number) {
      ASSERT_TRUE(table.Add(7 + number * stride, number));
    }
    for (uint32_t number = 0; number < 100; ++number) {
      ASSERT_EQ(table.Find(7 + number * stride), number) << stride;
      if (stride == 1) continue;
      ASSERT_EQ(table.Find(8 + number * stride), ReferenceTable::kUnknown) << stride;
    }
    EXPECT_EQ(table.Find(6), ReferenceTable::kUnknown);
    EXPECT_EQ(table.Find(7 + 100 * stride), ReferenceTable::kUnknown);
  }
}

TEST(ReferenceTable, RefusesAReferenceTwiceWhereverItLies) {
  ReferenceTable table;
  // Far out at first; by the end its place would be in the array.
  const uint32_t far = 5'000;
  ASSERT_TRUE(table.Add(far, 1));
  for (uint32_t reference = 0; reference < far; ++reference) {
    ASSERT_TRUE(table.Add(reference, reference + 2));
  }
  ASSERT_TRUE(table.Add(far + 1, 0));
  EXPECT_FALSE(table.Add(far, 3));
  EXPECT_FALSE(table.Add(17, 3));
  EXPECT_EQ(table.Find(far), 1u);
  EXPECT_EQ(table.Find(far + 1), 0u);
  EXPECT_EQ(table.Find(17), 19u);
}

TEST(ReferenceTable, TakesTheGreatestReference) {
  ReferenceTable table;
  ASSERT_TRUE(table.Add(UINT32_MAX, 5));
  EXPECT_FALSE(table.Add(UINT32_MAX, 6));
  EXPECT_EQ(table.Find(UINT32_MAX), 5u);
}

}  // namespace
}  // namespace alertjoin
