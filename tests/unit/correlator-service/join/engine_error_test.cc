// Queries that their source refuses: the rules, one test each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/correlator-service/join/engine_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EngineErrorTest : public EngineTest {
 protected:
  void Fire() { Apply({Firing(kOne, 100, {BindOn("q")})}); }
};

TEST_F(EngineErrorTest, ARowWithoutASeriesSaysWhy) {
  Fire();
  EXPECT_THAT(Apply({Refused("q", 10, "bad")}),
              ElementsAre("UPSERT 2 QUERY_ERROR FIRING @100 q NO_SERIES error bad"));
}

TEST_F(EngineErrorTest, AnAlertThatComesLaterIsToldAtOnce) {
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Firing(kOne, 100, {BindOn("q")})}),
              ElementsAre("UPSERT 1 ALERT FIRING @100 q NO_SERIES error bad"));
}

TEST_F(EngineErrorTest, TheLatestCounts) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Refused("q", 9, "worse")}), IsEmpty());
  EXPECT_THAT(Apply({Refused("q", 11, "ample")}),
              ElementsAre("UPSERT 3 QUERY_ERROR FIRING @100 q NO_SERIES error ample"));
}

TEST_F(EngineErrorTest, OfTwoOfOneTimeTheGreaterTextCounts) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Refused("q", 10, "ample")}), IsEmpty());
  EXPECT_THAT(Apply({Refused("q", 10, "")}), IsEmpty());
  EXPECT_THAT(Apply({Refused("q", 10, "worse")}),
              ElementsAre("UPSERT 3 QUERY_ERROR FIRING @100 q NO_SERIES error worse"));
}

TEST_F(EngineErrorTest, AnEmptyErrorClearsIt) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Refused("q", 11, "")}),
              ElementsAre("UPSERT 3 QUERY_ERROR FIRING @100 q NO_SERIES"));
  EXPECT_THAT(Apply({Refused("q", 10, "bad")}), IsEmpty());
}

TEST_F(EngineErrorTest, TheSameAgainIsNoChange) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Refused("q", 20, "bad")}), IsEmpty());
  // It counts from then on.
  EXPECT_THAT(Apply({Refused("q", 15, "")}), IsEmpty());
}

TEST_F(EngineErrorTest, ABatchMakesOneRevision) {
  Fire();
  EXPECT_THAT(Apply({Refused("q", 10, "bad"), Refused("q", 11, "worse")}),
              ElementsAre("UPSERT 2 QUERY_ERROR FIRING @100 q NO_SERIES error worse"));
  EXPECT_THAT(Apply({Refused("q", 12, ""), Refused("q", 13, "worse")}), IsEmpty());
}

TEST_F(EngineErrorTest, OtherQueriesAreNotConcerned) {
  Fire();
  EXPECT_THAT(Apply({Refused("p", 10, "bad")}), IsEmpty());
}

TEST_F(EngineErrorTest, ARowWithASeriesSaysNothing) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  EXPECT_THAT(Apply({Samples("q", kOne, {{90, 1}})}),
              ElementsAre("DELETE 3 SAMPLE FIRING @100 q NO_SERIES error bad",
                          "UPSERT 1 SAMPLE FIRING @100 q{i=\"1\"} MATCHED 1 @90"));
  EXPECT_THAT(Apply({Refused("q", 11, "worse")}), IsEmpty());
}

TEST_F(EngineErrorTest, ARowFromBeforeTheSamplesStaysAsItIs) {
  Fire();
  Apply({Refused("q", 10, "bad")});
  (void)engine_.Expire(At(101), At(0), At(0));
  EXPECT_THAT(Apply({Refused("q", 11, "worse")}), IsEmpty());
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q NO_SERIES error bad"));
}

TEST_F(EngineErrorTest, ItIsCarriedOver) {
  Apply({Refused("q", 10, "bad"), Refused("p", 10, "bad"), Refused("p", 11, "")});
  const std::vector<Event> carried = engine_.CarryOver(At(0));
  Engine other{EngineLimits{}};
  other.Carry(carried);
  // An older one that comes once more finds the newest known, the empty one as well.
  (void)other.Apply({Refused("p", 10, "bad"), Firing(kOne, 100, {BindOn("q"), BindOn("p")})},
                    At(0));
  EXPECT_THAT(Describe(other.Rows()),
              ElementsAre("FIRING @100 p NO_SERIES", "FIRING @100 q NO_SERIES error bad"));
}

}  // namespace
}  // namespace alertjoin
