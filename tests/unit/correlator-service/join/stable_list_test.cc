#include "correlator-service/join/stable_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

struct Object {
  int number = 0;
};

std::vector<int> Numbers(const StableList<Object>& list) {
  std::vector<int> numbers;
  for (const Object& object : list) numbers.push_back(object.number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

TEST(StableList, IsEmptyAtFirstAndWhenCleared) {
  StableList<Object> list;
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.begin() == list.end());
  list.Add();
  list.Add();
  EXPECT_EQ(list.size(), 2u);
  list.clear();
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.begin() == list.end());
}

// The first lies elsewhere than the others, and may go before them.
TEST(StableList, HasAnObjectInFrontWhicheverIsLeft) {
  for (const int left : {1, 2, 3}) {
    StableList<Object> list;
    for (const int number : {1, 2, 3}) list.Add().number = number;
    list.RemoveIf([left](const Object& object) { return object.number != left; });
    EXPECT_EQ(list.front().number, left);
    EXPECT_EQ(Numbers(list), std::vector{left});
  }
}

TEST(StableList, KeepsWhatIsNotRemovedWhereItIs) {
  std::mt19937_64 random(TestSeed());
  StableList<Object> list;
  std::vector<std::pair<const Object*, int>> model;  // With its number.
  for (int round = 0; round < 2'000; ++round) {
    if (random() % 3 != 0) {
      Object& added = list.Add();
      added.number = round;
      model.emplace_back(&added, round);
    } else {
      const int kept = static_cast<int>(random() % 5);
      const auto goes = [kept](int number) { return number % 5 != kept; };
      size_t asked = 0;
      list.RemoveIf([&](const Object& object) {
        ++asked;
        return goes(object.number);
      });
      ASSERT_EQ(asked, model.size());
      std::erase_if(model, [&goes](const auto& entry) { return goes(entry.second); });
    }
    std::vector<std::pair<const Object*, int>> found;
    for (const Object& object : list) found.emplace_back(&object, object.number);
    std::sort(found.begin(), found.end());
    std::sort(model.begin(), model.end());
    ASSERT_EQ(found, model) << "round " << round;
    ASSERT_EQ(list.size(), model.size());
  }
}

}  // namespace
}  // namespace alertjoin
