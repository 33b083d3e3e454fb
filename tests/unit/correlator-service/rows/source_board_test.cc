#include "correlator-service/rows/source_board.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/support/at_time.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SourceStatus Told(const std::string& source, int64_t time, SourceHealth health = SourceHealth::kOk,
                  const std::string& producer = "p") {
  SourceStatus status;
  status.source = source;
  status.producer_id = producer;
  status.health = health;
  status.time = At(time);
  return status;
}

class SourceBoardTest : public ::testing::Test {
 protected:
  // What is to be kept of it.
  SourceBoard::Update Tell(std::vector<SourceStatus> told, std::optional<Timestamp> horizon = {}) {
    SourceBoard::Update update = board_.Prepare(told, horizon);
    board_.Publish(update);
    return update;
  }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const SharedSourceStatus& status : board_.Read()) {
      texts.push_back(fmt::format("{} {} of {} is {} @{}",
                                  status->kind == SourceKind::kMetrics ? "metrics" : "alerts",
                                  status->source, status->producer_id,
                                  static_cast<int>(status->health), status->time.millis()));
    }
    return texts;
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  SourceBoard board_{registry_};
};

TEST_F(SourceBoardTest, TheNewestOfEachIsKept) {
  Tell({Told("a", 10), Told("a", 20, SourceHealth::kAuth), Told("a", 15)});
  EXPECT_THAT(Texts(), ElementsAre("metrics a of p is 2 @20"));
  EXPECT_TRUE(Tell({Told("a", 19, SourceHealth::kError)}).empty());
  EXPECT_EQ(Tell({Told("a", 21, SourceHealth::kError)}).told.size(), 1u);
  EXPECT_THAT(Texts(), ElementsAre("metrics a of p is 5 @21"));
}

TEST_F(SourceBoardTest, AtTheSameTimeTheLaterCounts) {
  Tell({Told("a", 10)});
  Tell({Told("a", 10, SourceHealth::kAuth)});
  EXPECT_THAT(Texts(), ElementsAre("metrics a of p is 2 @10"));
  Tell({Told("a", 10), Told("a", 10, SourceHealth::kForbidden)});
  EXPECT_THAT(Texts(), ElementsAre("metrics a of p is 3 @10"));
}

TEST_F(SourceBoardTest, TheSameAgainIsNothingToKeep) {
  Tell({Told("a", 10)});
  EXPECT_TRUE(Tell({Told("a", 10)}).empty());
}

TEST_F(SourceBoardTest, KindsAndProducersAreApartAndInOrder) {
  SourceStatus alerts = Told("a", 1);
  alerts.kind = SourceKind::kAlerts;
  Tell({alerts, Told("b", 2), Told("a", 3, SourceHealth::kOk, "q"), Told("a", 4)});
  EXPECT_THAT(Texts(), ElementsAre("metrics a of p is 1 @4", "metrics a of q is 1 @3",
                                   "metrics b of p is 1 @2", "alerts a of p is 1 @1"));
}

TEST_F(SourceBoardTest, NobodySeesWhatIsNotPublished) {
  EXPECT_EQ(board_.Prepare(std::vector{Told("a", 10)}, {}).told.size(), 1u);
  EXPECT_THAT(Texts(), IsEmpty());
}

TEST_F(SourceBoardTest, WhatWasToldBeforeTheHorizonIsGone) {
  Tell({Told("a", 10), Told("b", 10), Told("c", 20)});
  const SourceBoard::Update update = Tell({Told("b", 25)}, At(20));
  ASSERT_EQ(update.gone.size(), 1u);
  EXPECT_EQ(update.gone[0]->source, "a");
  EXPECT_THAT(Texts(), ElementsAre("metrics b of p is 1 @25", "metrics c of p is 1 @20"));
}

TEST_F(SourceBoardTest, OneTooManyIsRefusedAndCounted) {
  std::vector<SourceStatus> many;
  for (size_t i = 0; i < SourceBoard::kSourcesMax; ++i) many.push_back(Told(fmt::to_string(i), 1));
  Tell(many);
  EXPECT_TRUE(Tell({Told("new", 2)}).empty());
  EXPECT_EQ(Tell({Told("0", 2), Told("other", 2)}).told.size(), 1u);
  EXPECT_EQ(board_.Read().size(), SourceBoard::kSourcesMax);
  EXPECT_THAT(Metrics(), HasSubstr("alertjoin_sources_refused_total 2"));
  EXPECT_THAT(Metrics(), HasSubstr("alertjoin_sources 10000"));
}

}  // namespace
}  // namespace alertjoin
