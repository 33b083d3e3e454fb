#include "correlator-service/subscribe/selection_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/joined_rows.h"

namespace alertjoin {
namespace {

constexpr size_t kSetBytes = 1000;

SharedChangeSet SetOf(uint64_t sequence, const std::string& query_name = "q") {
  RowSpec spec;
  spec.id = static_cast<int>(sequence);
  spec.query_name = query_name;
  ChangeSet set;
  set.sequence = Sequence(sequence);
  set.changes = {{std::make_shared<const JoinedRow>(MakeRow(spec)), nullptr}};
  set.bytes = kSetBytes;
  return std::make_shared<const ChangeSet>(std::move(set));
}

RowFilter OfQuery(const std::string& name) {
  RowFilter filter;
  filter.query_name = name;
  return filter;
}

TEST(SelectionCache, EqualFiltersAreOneWhileSomebodyHoldsIt) {
  SelectionCache cache;
  const auto first = cache.Of(OfQuery("q"));
  EXPECT_EQ(cache.Of(OfQuery("q")), first);
  EXPECT_NE(cache.Of(OfQuery("other")), first);
  EXPECT_EQ(first->filter().query_name, "q");
}

TEST(SelectionCache, SetIsSelectedOnceForAFilter) {
  SelectionCache cache;
  const auto selections = cache.Of({});
  const SharedChangeSet set = SetOf(1);
  const SharedSelection selection = selections->Of(set, true);
  ASSERT_EQ(selection->entries().size(), 1u);
  EXPECT_EQ(selections->Of(set, true), selection);
  EXPECT_NE(cache.Of(OfQuery("q"))->Of(set, true), selection);
}

TEST(SelectionCache, SetOfWhichNothingMatchesStaysNothing) {
  SelectionCache cache;
  const auto selections = cache.Of(OfQuery("q"));
  const SharedChangeSet set = SetOf(1, "other");
  EXPECT_EQ(selections->Of(set, true), nullptr);
  EXPECT_EQ(selections->Of(set, true), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(SelectionCache, NothingIsKeptForOneAlone) {
  SelectionCache cache;
  const auto selections = cache.Of({});
  const SharedChangeSet set = SetOf(1);
  const SharedSelection kept = selections->Of(set, true);
  EXPECT_EQ(cache.bytes(), kSetBytes);
  EXPECT_NE(selections->Of(set, false), kept);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_NE(selections->Of(set, true), kept);
}

TEST(SelectionCache, OldestGoFirstBeyondTheNumberOfSets) {
  SelectionCache cache;
  const auto selections = cache.Of({});
  std::vector<SharedSelection> made;
  for (uint64_t i = 1; i <= FilterSelections::kSetsMax + 1; ++i) {
    made.push_back(selections->Of(SetOf(i), true));
  }
  EXPECT_EQ(cache.bytes(), FilterSelections::kSetsMax * kSetBytes);
  EXPECT_EQ(selections->Of(SetOf(FilterSelections::kSetsMax + 1), true), made.back());
  EXPECT_EQ(selections->Of(SetOf(2), true), made[1]);
  EXPECT_NE(selections->Of(SetOf(1), true), made[0]);
  // One that is far behind has taken nothing from the others.
  EXPECT_EQ(selections->Of(SetOf(2), true), made[1]);
  EXPECT_EQ(cache.bytes(), FilterSelections::kSetsMax * kSetBytes);
}

TEST(SelectionCache, BytesOfAllFiltersAreBoundedButForTheNewestSetOfEach) {
  SelectionCache cache(4 * kSetBytes);
  const auto all = cache.Of({});
  const auto some = cache.Of(OfQuery("q"));
  for (uint64_t i = 1; i <= 10; ++i) all->Of(SetOf(i), true);
  EXPECT_EQ(cache.bytes(), 4 * kSetBytes);
  const SharedSelection newest = some->Of(SetOf(10), true);
  EXPECT_EQ(cache.bytes(), 5 * kSetBytes);
  EXPECT_EQ(some->Of(SetOf(10), true), newest);
  some->Of(SetOf(11), true);
  EXPECT_EQ(cache.bytes(), 5 * kSetBytes);
}

TEST(SelectionCache, WhatNobodyHoldsIsForgotten) {
  SelectionCache cache;
  auto selections = cache.Of({});
  const SharedSelection selection = selections->Of(SetOf(1), true);
  selections.reset();
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_NE(cache.Of({})->Of(SetOf(1), true), selection);
}

TEST(SelectionCache, ThreadsThatAskForTheSameSetsGetTheSameSelections) {
  SelectionCache cache;
  std::vector<SharedChangeSet> sets;
  for (uint64_t i = 1; i <= 200; ++i) sets.push_back(SetOf(i));
  std::vector<std::vector<SharedSelection>> got(4);
  const auto held = cache.Of({});
  {
    std::vector<std::jthread> threads;
    for (auto& selections : got) {
      threads.emplace_back([&] {
        const auto its = cache.Of({});
        for (const SharedChangeSet& set : sets) selections.push_back(its->Of(set, true));
      });
    }
  }
  for (const auto& selections : got) EXPECT_EQ(selections, got[0]);
}

}  // namespace
}  // namespace alertjoin
