#include "ingest-service/spool/dropped_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/event/event_rules.h"
#include "tests/unit/ingest-service/spool/sample_events.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Gap Reported(const std::string& query, std::optional<int> from, std::optional<int> through,
             const std::string& reason) {
  Gap gap{"prom", std::nullopt, std::nullopt, std::nullopt, reason, false};
  if (!query.empty()) gap.query = QueryOf(query);
  if (from.has_value()) gap.from = At(*from);
  if (through.has_value()) gap.through = At(*through);
  return gap;
}

class DroppedEventsTest : public ::testing::Test {
 protected:
  void Drop(const Event& event) { ASSERT_THAT(dropped_.Add(event), IsOk()); }
  // Each of them an event that the correlator takes.
  std::vector<Gap> Gaps() const {
    std::vector<Gap> gaps;
    for (const Event& event : dropped_.Gaps()) {
      EXPECT_THAT(CheckEvent(event), IsOk());
      gaps.push_back(std::get<Gap>(event));
    }
    return gaps;
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const Gap& gap : Gaps()) texts.push_back(TextOf(gap));
    return texts;
  }

  DroppedEvents dropped_;
};

TEST_F(DroppedEventsTest, NothingDroppedIsNoGap) { EXPECT_THAT(Gaps(), IsEmpty()); }

TEST_F(DroppedEventsTest, SamplesBecomeOneGapPerQueryFromFirstToLast) {
  Drop(SamplesOf("b", 50, 60));
  Drop(SamplesOf("a", 10, 20));
  Drop(SamplesOf("b", 30, 31));
  EXPECT_THAT(Texts(), ElementsAre("void a 10-20", "void b 30-60"));
  EXPECT_EQ(dropped_.samples(), 11u + 11u + 2u);
  EXPECT_EQ(dropped_.events(), 3u);
  const Gap gap = Gaps().front();
  EXPECT_EQ(gap.source, "prom");
  EXPECT_THAT(gap.reason, HasSubstr("samples were dropped, oldest first"));
}

TEST_F(DroppedEventsTest, OneBatchMayHoldSeriesOfSeveralQueries) {
  Drop(SamplesOfTwo("a", 10, "b", 20));
  EXPECT_THAT(Texts(), ElementsAre("void a 10-10", "void b 20-20"));
}

TEST_F(DroppedEventsTest, ProgressIsVoidedWhereItWasClaimed) {
  Drop(ProgressOf("a", 5, 15));
  Drop(SamplesOf("a", 10, 20));
  Drop(ProgressOf("b", 1, 2));
  EXPECT_THAT(Texts(), ElementsAre("void a 5-20", "void b 1-2"));
  EXPECT_EQ(dropped_.samples(), 11u);
}

TEST_F(DroppedEventsTest, GapsThatAreDroppedInTheirTurnLiveOnInWiderOnes) {
  Drop(SamplesOf("a", 10, 20));
  Drop(SamplesOf("b", 10, 20));
  DroppedEvents later;
  for (const Event& gap : dropped_.Gaps()) ASSERT_THAT(later.Add(gap), IsOk());
  ASSERT_THAT(later.Add(SamplesOf("a", 30, 40)), IsOk());
  const std::vector<Event> gaps = later.Gaps();
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(TextOf(std::get<Gap>(gaps[0])), "void a 10-40");
  EXPECT_EQ(TextOf(std::get<Gap>(gaps[1])), "void b 10-20");
  EXPECT_EQ(std::get<Gap>(gaps[0]).reason, Gaps().front().reason);
  EXPECT_EQ(later.samples(), 11u);
}

TEST_F(DroppedEventsTest, OtherGapsStayWhatTheyAre) {
  Drop(Reported("a", 10, 20, "too old to be had"));
  Drop(Reported("", std::nullopt, 7, "down"));
  Drop(SamplesOf("a", 30, 30));
  EXPECT_THAT(Texts(),
              ElementsAre("void a 30-30", "told - *-7 down", "told a 10-20 too old to be had"));
}

TEST_F(DroppedEventsTest, OtherGapsOfOneQueryBecomeOneThatHoldsThem) {
  Drop(Reported("a", 10, 20, "x"));
  Drop(Reported("a", 5, 7, "x"));
  EXPECT_THAT(Texts(), ElementsAre("told a 5-20 x"));
  Drop(Reported("a", 6, std::nullopt, "y"));
  EXPECT_THAT(Texts(), ElementsAre("told a 5-* several gaps, one of them: x"));
}

TEST_F(DroppedEventsTest, ReasonsDoNotGrowWithEachDrop) {
  Drop(Reported("a", 1, 2, "x"));
  Drop(Reported("a", 3, 4, "several gaps, one of them: y"));
  Drop(Reported("a", 3, 4, "several gaps, one of them: z"));
  EXPECT_THAT(Texts(), ElementsAre("told a 1-4 several gaps, one of them: y"));
}

TEST_F(DroppedEventsTest, ErrorsOfQueriesAndWordOfSourcesAreCountedAlone) {
  Drop(QueryError{QueryOf("a"), At(10), "parse error"});
  Drop(SourceStatus());
  EXPECT_THAT(Gaps(), IsEmpty());
  EXPECT_EQ(dropped_.events(), 2u);
  EXPECT_EQ(dropped_.samples(), 0u);
}

TEST_F(DroppedEventsTest, AnAlertIsRefused) {
  EXPECT_THAT(dropped_.Add(TransitionEvent()),
              StatusIs(absl::StatusCode::kFailedPrecondition, "an alert is never dropped"));
  EXPECT_EQ(dropped_.events(), 0u);
}

}  // namespace
}  // namespace alertjoin
