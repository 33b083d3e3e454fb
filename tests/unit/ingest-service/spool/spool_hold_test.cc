// Events that stay for a time though they are acknowledged.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "ingest-service/spool/spool.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/spool/alert_event.h"

namespace alertjoin {
namespace {

TEST(SpoolHold, AcknowledgedEventsStayForTheirTime) {
  ManualClock clock(Timestamp::FromMillis(0));
  MemoryEventLog log(64 << 20);
  Spool spool(log, 100'000, nullptr, {Millis(1'000), &clock});
  const auto append = [&](const std::string& fingerprint) {
    return spool.Append(std::vector{Alert(fingerprint)}).value();
  };
  ASSERT_THAT(spool.Acknowledge(append("a")), IsOk());
  EXPECT_EQ(spool.waiting(), 0u);
  EXPECT_EQ(spool.bounds().first, LogPosition(1));
  clock.Advance(Millis(999));
  ASSERT_THAT(spool.Acknowledge(append("b")), IsOk());
  EXPECT_EQ(spool.bounds().first, LogPosition(1));
  clock.Advance(Millis(2'000));
  // All that is there is old enough, but for the one that brings the news.
  ASSERT_THAT(spool.Acknowledge(append("c")), IsOk());
  EXPECT_EQ(spool.bounds().next, LogPosition(4));
  // Somebody who starts again finds what stayed, and holds it anew.
  Spool again(log, 100'000, nullptr, {Millis(1'000), &clock});
  EXPECT_EQ(again.Read(spool.bounds().first, 10, SIZE_MAX)->records.size(),
            log.bounds().next.value() - log.bounds().first.value());
}

TEST(SpoolHold, ManyOldOnesAreTrimmedTogether) {
  ManualClock clock(Timestamp::FromMillis(0));
  MemoryEventLog log(64 << 20);
  Spool spool(log, 64 << 20, nullptr, {Millis(1'000), &clock});
  const std::vector<Event> many(2'000, Alert("a"));
  ASSERT_THAT(spool.Acknowledge(spool.Append(many).value()), IsOk());
  EXPECT_EQ(spool.bounds().first, LogPosition(1));
  clock.Advance(Millis(1'000));
  ASSERT_THAT(spool.Acknowledge(spool.Append(std::vector{Alert("b")}).value()), IsOk());
  EXPECT_EQ(spool.bounds().first, LogPosition(2'001));
}

TEST(SpoolHold, RoomForNewOnesComesFirst) {
  ManualClock clock(Timestamp::FromMillis(0));
  MemoryEventLog log(64 << 20);
  Spool spool(log, 10'000, nullptr, {Millis(1'000), &clock});
  ASSERT_THAT(spool.Acknowledge(spool.Append(std::vector{Alert("a", 8'000)}).value()), IsOk());
  EXPECT_THAT(spool.Append(std::vector{Alert("b", 8'000)}), IsOk());
}

// Several threads appended at once, each of which had seen room for itself alone: the log refused
// the last ones, though most of what it held was acknowledged.
TEST(SpoolHold, RoomThatOthersHaveTakenMeanwhileIsMadeInTheLog) {
  ManualClock clock(Timestamp::FromMillis(0));
  MemoryEventLog log(10'000);
  Spool spool(log, 20'000, nullptr, {Millis(1'000), &clock});
  ASSERT_THAT(spool.Acknowledge(spool.Append(std::vector{Alert("a", 8'000)}).value()), IsOk());
  EXPECT_THAT(spool.Append(std::vector{Alert("b", 8'000)}), IsOk());
  // That one waits: it stays.
  EXPECT_THAT(spool.Append(std::vector{Alert("c", 8'000)}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(spool.waiting(), 1u);
}

}  // namespace
}  // namespace alertjoin
