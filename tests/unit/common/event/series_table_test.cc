#include "common/event/series_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/sync/bounded_queue.h"

namespace alertjoin {
namespace {

std::shared_ptr<const SeriesKey> SeriesOf(size_t number) {
  return std::make_shared<const SeriesKey>(
      SeriesKey{nullptr, LabelSet{{"i", std::to_string(number)}}});
}

TEST(SeriesTable, IsEmptyAtFirst) { EXPECT_EQ(SeriesTable().size(), 0u); }

TEST(SeriesTable, NumbersSeriesInTheOrderOfTheirComingOverManyBlocks) {
  SeriesTable table;
  std::vector<std::shared_ptr<const SeriesKey>> added;
  std::vector<const std::shared_ptr<const SeriesKey>*> places;
  for (size_t number = 0; number < 5'000; ++number) {
    added.push_back(SeriesOf(number));
    table.push_back(added.back());
    places.push_back(&table[number]);
    ASSERT_EQ(table.size(), number + 1);
  }
  for (size_t number = 0; number < added.size(); ++number) {
    ASSERT_EQ(table[number], added[number]) << number;
    ASSERT_EQ(&table[number], places[number]) << "an entry has moved";
  }
}

TEST(SeriesTable, TakesAList) {
  const auto first = SeriesOf(1);
  const auto second = SeriesOf(2);
  const SeriesTable table{first, second};
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0], first);
  EXPECT_EQ(table[1], second);
}

TEST(SeriesTable, CopiesAreTheSameTable) {
  SeriesTable table{SeriesOf(0)};
  SeriesTable copy = table;
  EXPECT_EQ(copy.id(), table.id());
  copy.push_back(SeriesOf(1));
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[1], copy[1]);
  EXPECT_NE(SeriesTable().id(), table.id());
}

TEST(SeriesTable, KnowsItsLastHandle) {
  SeriesTable table;
  EXPECT_TRUE(table.is_last_handle());
  {
    const SeriesTable copy = table;
    EXPECT_FALSE(table.is_last_handle());
    EXPECT_FALSE(copy.is_last_handle());
  }
  EXPECT_TRUE(table.is_last_handle());
}

TEST(SeriesTable, KeepsItsSeriesAsLongAsAHandleLives) {
  const auto series = SeriesOf(0);
  {
    SeriesTable table;
    table.push_back(series);
    const SeriesTable copy = table;
    table = SeriesTable();
    EXPECT_EQ(copy[0], series);
    EXPECT_EQ(series.use_count(), 2);
  }
  EXPECT_EQ(series.use_count(), 1);
}

// For the thread sanitizer: the reader looks at what was handed over to it, the new entries as well
// as the old ones, while the writer goes on.
TEST(SeriesTable, OthersReadWhatWasHandedOverWhileOneThreadAdds) {
  constexpr size_t kSeries = 20'000;
  constexpr size_t kStep = 7;
  SeriesTable table;
  BoundedQueue<size_t> handed_over(kSeries);
  size_t wrong = 0;
  std::thread reader([table, &handed_over, &wrong] {
    while (true) {
      const std::vector<size_t> numbers = handed_over.PopUpTo(1);
      if (numbers.empty()) return;
      for (size_t number = numbers[0];; number /= 2) {
        if (table[number]->labels.Get("i") != std::to_string(number)) ++wrong;
        if (number == 0) break;
      }
    }
  });
  for (size_t number = 0; number < kSeries; ++number) {
    table.push_back(SeriesOf(number));
    if (number % kStep == 0) {
      EXPECT_TRUE(handed_over.TryPush(size_t{number}));
    }
  }
  handed_over.Close();
  reader.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace alertjoin
