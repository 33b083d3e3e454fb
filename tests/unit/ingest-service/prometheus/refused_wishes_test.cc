#include "ingest-service/prometheus/refused_wishes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace alertjoin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Query Named(const std::string& name) { return {"prom", name, name, TimeKind::kSample}; }
Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }

TEST(RefusedWishes, OneGapOfEachQuerySpansItsTimes) {
  RefusedWishes refused;
  refused.Add(Named("a"), At(20));
  refused.Add(Named("b"), At(7));
  refused.Add(Named("a"), At(10));
  refused.Add(Named("a"), At(15));
  const std::vector<Event> gaps = refused.TakeGaps();
  ASSERT_THAT(gaps, SizeIs(2));
  const Gap& of_a = std::get<Gap>(gaps[0]);
  EXPECT_EQ(of_a.query, Named("a"));
  EXPECT_EQ(of_a.from, At(10));
  EXPECT_EQ(of_a.through, At(20));
  EXPECT_THAT(of_a.reason, HasSubstr("of 3 transitions"));
  EXPECT_EQ(std::get<Gap>(gaps[1]).from, At(7));
  EXPECT_THAT(refused.TakeGaps(), IsEmpty());
}

TEST(RefusedWishes, TakesOnlySoManyQueries) {
  RefusedWishes refused;
  for (size_t i = 0; i <= RefusedWishes::kQueriesMax; ++i) {
    refused.Add(Named(std::to_string(i)), At(1));
  }
  refused.Add(Named("0"), At(2));
  const std::vector<Event> gaps = refused.TakeGaps();
  ASSERT_THAT(gaps, SizeIs(RefusedWishes::kQueriesMax));
  EXPECT_EQ(std::get<Gap>(gaps[0]).through, At(2));
  refused.Add(Named("another"), At(1));
  EXPECT_THAT(refused.TakeGaps(), SizeIs(1));
}

}  // namespace
}  // namespace alertjoin
