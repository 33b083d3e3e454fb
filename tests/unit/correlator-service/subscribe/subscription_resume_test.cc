// Tokens with which a subscription goes on, and the end of one that needs them: too slow a reader.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/correlator-service/subscribe/cursor_fixture.h"

namespace alertjoin {
namespace {

TEST_F(SubscriptionCursorTest, ResumesBehindTheLastMessageWithoutASecondSnapshot) {
  Commit({Row(1)});
  SubscriptionCursor cursor = Subscribe();
  SubscriptionArguments resumed;
  resumed.resume_token = TokenAfterDrain(cursor);
  Commit({Row(2)});
  SubscriptionCursor other = Subscribe(resumed);
  NextBody<StartedMessage>(other);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(other)), (std::vector<RowId>{IdOf(2)}));
  EXPECT_EQ(other.Next(false, kRowsNow)->kind, Kind::kIdle);
}

TEST_F(SubscriptionCursorTest, ResumesInTheMiddleOfTheSnapshot) {
  Commit({Row(1, 30), Row(2, 20), Row(3, 10)});
  SubscriptionCursor cursor = Subscribe({}, {1, 1 << 20});
  NextBody<StartedMessage>(cursor);
  SubscriptionArguments resumed;
  resumed.resume_token = Next(cursor).resume_token;
  RowSpec deleted = Row(1, 30);
  deleted.operation = Operation::kDelete;
  Commit({deleted});
  SubscriptionCursor other = Subscribe(resumed);
  NextBody<StartedMessage>(other);
  EXPECT_EQ(IdsOf(NextBody<RowsMessage>(other)), (std::vector<RowId>{IdOf(2), IdOf(3)}));
  EXPECT_EQ(NextBody<RowsMessage>(other).entries[0].operation, Operation::kDelete);
  EXPECT_EQ(NextBody<SnapshotCompleteMessage>(other).sequence, Sequence(2));
}

TEST_F(SubscriptionCursorTest, TokenThatIsNoneOfOursIsInvalid) {
  SubscriptionCursor cursor = Subscribe();
  std::string damaged = TokenAfterDrain(cursor);
  damaged[5] = damaged[5] == 'x' ? 'y' : 'x';
  for (const std::string& token : {std::string("nonsense"), std::string("AAAA"), damaged}) {
    SubscriptionArguments arguments;
    arguments.resume_token = token;
    EXPECT_THAT(Refusal(arguments), StatusIs(absl::StatusCode::kInvalidArgument, "resume_token"));
    EXPECT_EQ(ReasonOf(Refusal(arguments)), "INVALID_RESUME_TOKEN");
  }
}

TEST_F(SubscriptionCursorTest, TokenBelowTheLogsFloorIsTooOld) {
  Open({.store_id = "s", .sequence_limits = {}, .change_log_limits = {2, 1 << 20}});
  SubscriptionCursor cursor = Subscribe();
  SubscriptionArguments arguments;
  arguments.resume_token = TokenAfterDrain(cursor);
  Commit({Row(1)});
  Commit({Row(2)});
  EXPECT_THAT(Refusal(arguments), IsOk());
  Commit({Row(3)});
  EXPECT_THAT(Refusal(arguments),
              StatusIs(absl::StatusCode::kOutOfRange, "subscribe without a token"));
  EXPECT_EQ(ReasonOf(Refusal(arguments)), "RESUME_TOKEN_TOO_OLD");
}

TEST_F(SubscriptionCursorTest, TokenOfAnotherStoreIsForeign) {
  Open({.store_id = "one", .sequence_limits = {}, .change_log_limits = {}});
  SubscriptionCursor cursor = Subscribe();
  SubscriptionArguments arguments;
  arguments.resume_token = TokenAfterDrain(cursor);
  Open({.store_id = "two", .sequence_limits = {}, .change_log_limits = {}});
  EXPECT_THAT(Refusal(arguments),
              StatusIs(absl::StatusCode::kFailedPrecondition, "subscribe without a token"));
  EXPECT_EQ(ReasonOf(Refusal(arguments)), "RESUME_TOKEN_FOREIGN");
}

TEST_F(SubscriptionCursorTest, TokenOfTheFutureIsToldFromAForeignOne) {
  Open({.store_id = "one", .sequence_limits = {}, .change_log_limits = {}});
  Commit({Row(1)});
  SubscriptionCursor cursor = Subscribe();
  SubscriptionArguments arguments;
  arguments.resume_token = TokenAfterDrain(cursor);
  Open({.store_id = "one", .sequence_limits = {}, .change_log_limits = {}});
  EXPECT_EQ(ReasonOf(Refusal(arguments)), "RESUME_TOKEN_FROM_FUTURE");
}

TEST_F(SubscriptionCursorTest, TokenIsForItsArguments) {
  SubscriptionCursor cursor = Subscribe();
  SubscriptionArguments arguments;
  arguments.resume_token = TokenAfterDrain(cursor);
  for (const RowFilter& filter : Filters()) {
    if (filter.ToString() == RowFilter().ToString()) continue;
    arguments.filter = filter;
    EXPECT_THAT(Refusal(arguments), StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(ReasonOf(Refusal(arguments)), "RESUME_TOKEN_OTHER_ARGUMENTS");
  }
}

TEST_F(SubscriptionCursorTest, FallingBehindTheLogEndsWithTheToken) {
  Open({.store_id = "s", .sequence_limits = {}, .change_log_limits = {2, 1 << 20}});
  SubscriptionCursor cursor = Subscribe();
  const std::string token = TokenAfterDrain(cursor);
  for (int id = 1; id <= 3; ++id) Commit({Row(id)});
  const auto step = cursor.Next(false, kRowsNow);
  EXPECT_THAT(step, StatusIs(absl::StatusCode::kResourceExhausted, "fell behind"));
  const auto detail = DetailOf(step.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "SUBSCRIBER_TOO_SLOW");
  EXPECT_THAT(detail->metadata, testing::ElementsAre(testing::Pair("resume_token", token)));
  // Whoever tries the token is told the same: to begin anew without it.
  EXPECT_THAT(step, StatusIs(absl::StatusCode::kResourceExhausted, "subscribe without a token"));
  SubscriptionArguments arguments;
  arguments.resume_token = token;
  EXPECT_THAT(Refusal(arguments),
              StatusIs(absl::StatusCode::kOutOfRange, "subscribe without a token"));
  EXPECT_EQ(ReasonOf(Refusal(arguments)), "RESUME_TOKEN_TOO_OLD");
}

TEST_F(SubscriptionCursorTest, FallingBehindDuringTheSnapshotEndsTheSame) {
  Open({.store_id = "s", .sequence_limits = {}, .change_log_limits = {2, 1 << 20}});
  Commit({Row(1), Row(2)});
  SubscriptionCursor cursor = Subscribe({}, {1, 1 << 20});
  NextBody<StartedMessage>(cursor);
  NextBody<RowsMessage>(cursor);
  for (int id = 3; id <= 5; ++id) Commit({Row(id)});
  EXPECT_EQ(ReasonOf(cursor.Next(false, kRowsNow).status()), "SUBSCRIBER_TOO_SLOW");
}

}  // namespace
}  // namespace alertjoin
