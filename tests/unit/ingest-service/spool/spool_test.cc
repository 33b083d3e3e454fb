#include "ingest-service/spool/spool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/eventlog/memory_event_log.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/spool/alert_event.h"

namespace alertjoin {
namespace {

constexpr uint64_t kSpoolBytes = 100'000;

std::chrono::steady_clock::time_point Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}
std::chrono::steady_clock::time_point Past() { return std::chrono::steady_clock::now(); }

// `samples` samples of one series, times 0, 1, 2, ...
Event Samples(size_t samples) {
  SampleBatch batch;
  auto query = std::make_shared<Query>(Query{"prom", "up", "up", TimeKind::kSample});
  batch.series.push_back(std::make_shared<SeriesKey>(SeriesKey{query, {{"job", "a"}}}));
  for (size_t i = 0; i < samples; ++i) {
    batch.series_index.push_back(0);
    batch.times.push_back(Timestamp::FromMillis(static_cast<int64_t>(i)));
    batch.values.push_back(static_cast<double>(i));
  }
  return batch;
}

class SpoolTest : public ::testing::Test {
 protected:
  absl::StatusOr<LogPosition> Append(const std::vector<Event>& events) {
    return spool_.Append(events);
  }
  static std::string ReasonOf(const absl::StatusOr<LogPosition>& result) {
    const auto detail = DetailOf(result.status());
    return detail.has_value() ? detail->reason : "";
  }

  MemoryEventLog log_{64 << 20};
  Spool spool_{log_, kSpoolBytes};
};

constexpr Timestamp kNow = Timestamp::FromMillis(1'772'000'000'000);

TEST_F(SpoolTest, EpochIsTheTimeOfTheStart) {
  EXPECT_EQ(spool_.epoch(), 0U);
  ASSERT_THAT(spool_.BeginEpoch(kNow), IsOk());
  EXPECT_EQ(spool_.epoch(), 1'772'000'000'000'000U);
  ASSERT_THAT(spool_.BeginEpoch(kNow + Millis(1)), IsOk());
  EXPECT_EQ(spool_.epoch(), 1'772'000'000'000'000U);
  Spool later(log_, kSpoolBytes);
  ASSERT_THAT(later.BeginEpoch(kNow + std::chrono::hours(1)), IsOk());
  EXPECT_EQ(later.epoch(), 1'772'003'600'000'000U);
}

// It was once fenced on every try.
TEST_F(SpoolTest, EpochIsLaterThanTheLastOneThoughTheClockWasSetBack) {
  ASSERT_THAT(spool_.BeginEpoch(kNow), IsOk());
  uint64_t last = spool_.epoch();
  for (const Timestamp now : {kNow, kNow - std::chrono::hours(1), Timestamp::FromMillis(-1)}) {
    Spool later(log_, kSpoolBytes);
    ASSERT_THAT(later.BeginEpoch(now), IsOk());
    EXPECT_GT(later.epoch(), last);
    last = later.epoch();
  }
}

TEST_F(SpoolTest, StartIsWhereEarlierProcessesEnded) {
  EXPECT_EQ(spool_.start(), LogPosition(1));
  ASSERT_THAT(Append({Alert("a"), Alert("b")}), IsOk());
  ASSERT_THAT(spool_.Acknowledge(LogPosition(2)), IsOk());
  EXPECT_EQ(spool_.start(), LogPosition(1));
  EXPECT_EQ(Spool(log_, kSpoolBytes).start(), LogPosition(3));
}

TEST_F(SpoolTest, RenamedSpoolKeepsItsEventsAndItsNewId) {
  EXPECT_EQ(spool_.log_id(), log_.id());
  ASSERT_THAT(Append({Alert("a"), Alert("b")}), IsOk());
  ASSERT_THAT(spool_.Rename(), IsOk());
  const std::string renamed = spool_.log_id();
  EXPECT_NE(renamed, log_.id());
  EXPECT_EQ(spool_.bounds().first, LogPosition(1));
  EXPECT_EQ(spool_.bounds().next, LogPosition(3));
  EXPECT_EQ(Spool(log_, kSpoolBytes).log_id(), renamed);
  ASSERT_THAT(spool_.Rename(), IsOk());
  EXPECT_NE(spool_.log_id(), renamed);
}

TEST_F(SpoolTest, AppendGivesThePositionOfTheLastEvent) {
  EXPECT_EQ(*Append({Alert("a"), Alert("b")}), LogPosition(2));
  EXPECT_EQ(*Append({Alert("c")}), LogPosition(3));
  const auto chunk = spool_.Read(LogPosition(3), 10, 1000);
  ASSERT_THAT(chunk, IsOk());
  ASSERT_EQ(chunk->records.size(), 1U);
  const auto event = DecodeRecord(chunk->records[0]);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(TransitionOf(*event)->fingerprint, "c");
}

TEST_F(SpoolTest, AcknowledgeTrimsTheLogWhenNothingElseWaits) {
  ASSERT_THAT(Append({Alert("a"), Alert("b"), Alert("c")}), IsOk());
  EXPECT_EQ(spool_.acknowledged(), LogPosition(0));
  EXPECT_THAT(spool_.Acknowledge(LogPosition(2)), IsOk());
  EXPECT_EQ(spool_.acknowledged(), LogPosition(2));
  EXPECT_EQ(spool_.waiting(), 1u);
  // A durable log syncs for each trim: not for every acknowledgement of a stream.
  EXPECT_EQ(spool_.bounds().first, LogPosition(1));
  EXPECT_THAT(spool_.Acknowledge(LogPosition(3)), IsOk());
  EXPECT_EQ(spool_.bounds().first, LogPosition(4));
  EXPECT_EQ(spool_.waiting(), 0u);
}

TEST_F(SpoolTest, ManyAcknowledgedEventsAreTrimmedThoughOthersWait) {
  Spool spool(log_, 64 << 20);
  const std::vector<Event> event{Alert("a")};
  for (int i = 0; i < 2000; ++i) ASSERT_THAT(spool.Append(event), IsOk());
  EXPECT_THAT(spool.Acknowledge(LogPosition(1000)), IsOk());
  EXPECT_EQ(spool.bounds().first, LogPosition(1));
  EXPECT_THAT(spool.Acknowledge(LogPosition(1500)), IsOk());
  EXPECT_EQ(spool.bounds().first, LogPosition(1501));
}

TEST_F(SpoolTest, AcknowledgedEventsMakeRoomWhenItIsNeeded) {
  ASSERT_THAT(Append({Alert("a", kSpoolBytes / 2), Alert("b", 1000)}), IsOk());
  ASSERT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_EQ(spool_.bounds().first, LogPosition(1));
  EXPECT_THAT(Append({Alert("c", kSpoolBytes / 2)}), IsOk());
  EXPECT_EQ(spool_.bounds().first, LogPosition(2));
}

TEST_F(SpoolTest, OldAcknowledgementsAreIgnored) {
  ASSERT_THAT(Append({Alert("a"), Alert("b")}), IsOk());
  EXPECT_THAT(spool_.Acknowledge(LogPosition(2)), IsOk());
  EXPECT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_THAT(spool_.Acknowledge(LogPosition(0)), IsOk());
  EXPECT_EQ(spool_.acknowledged(), LogPosition(2));
}

TEST_F(SpoolTest, AcknowledgementOfTheFutureChangesNothing) {
  ASSERT_THAT(Append({Alert("a")}), IsOk());
  EXPECT_THAT(spool_.Acknowledge(LogPosition(2)), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_EQ(spool_.acknowledged(), LogPosition(0));
  EXPECT_EQ(spool_.bounds().first, LogPosition(1));
}

TEST_F(SpoolTest, WaiterIsWokenByTheAcknowledgementOfItsEvents) {
  const LogPosition last = *Append({Alert("a"), Alert("b")});
  std::thread correlator([&] {
    EXPECT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
    EXPECT_THAT(spool_.Acknowledge(last), IsOk());
  });
  EXPECT_TRUE(spool_.WaitAcknowledged(last, Soon()));
  EXPECT_EQ(spool_.acknowledged(), last);
  correlator.join();
}

TEST_F(SpoolTest, WaitEndsAtTheDeadline) {
  const LogPosition last = *Append({Alert("a"), Alert("b")});
  ASSERT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_FALSE(spool_.WaitAcknowledged(last, Past()));
  EXPECT_TRUE(spool_.WaitAcknowledged(LogPosition(1), Past()));
}

TEST_F(SpoolTest, FullSpoolRefusesAllEventsOfTheCall) {
  ASSERT_THAT(Append({Alert("a", kSpoolBytes - 1000)}), IsOk());
  const auto refused = Append({Alert("b"), Alert("c", 2000)});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "try again later"));
  EXPECT_EQ(ReasonOf(refused), "SPOOL_FULL");
  EXPECT_EQ(spool_.bounds().next, LogPosition(2));
  ASSERT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_THAT(Append({Alert("b"), Alert("c", 2000)}), IsOk());
}

TEST(Spool, FullLogBelowIsReportedAsFullSpool) {
  MemoryEventLog log(100);
  Spool spool(log, kSpoolBytes);
  const auto refused = spool.Append(std::vector<Event>{Alert("a", 1000)});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(DetailOf(refused.status())->reason, "SPOOL_FULL");
}

TEST_F(SpoolTest, DroppedEventsAreGoneAndNotAcknowledged) {
  ASSERT_THAT(Append({Alert("a"), Alert("b"), Alert("c"), Alert("d")}), IsOk());
  ASSERT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_EQ(spool_.waiting(), 3u);
  ASSERT_THAT(spool_.DropBefore(LogPosition(4)), IsOk());
  EXPECT_EQ(spool_.acknowledged(), LogPosition(1));
  EXPECT_EQ(spool_.waiting(), 1u);
  EXPECT_THAT(spool_.Read(LogPosition(3), 1, 1000), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(spool_.DropBefore(LogPosition(6)), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(SpoolTest, AcknowledgementOfWhatWasDroppedMeanwhileDoesNoHarm) {
  ASSERT_THAT(Append({Alert("a"), Alert("b"), Alert("c"), Alert("d")}), IsOk());
  ASSERT_THAT(spool_.DropBefore(LogPosition(4)), IsOk());
  EXPECT_THAT(spool_.Acknowledge(LogPosition(2)), IsOk());
  EXPECT_EQ(spool_.bounds().first, LogPosition(4));
  EXPECT_EQ(spool_.waiting(), 1u);
  // Nor does it bring the begin back when there is need of room.
  EXPECT_EQ(ReasonOf(Append({Alert("e", kSpoolBytes)})), "SPOOL_FULL");
  EXPECT_EQ(spool_.bounds().first, LogPosition(4));
  EXPECT_THAT(spool_.Acknowledge(LogPosition(4)), IsOk());
  EXPECT_EQ(spool_.bounds().first, LogPosition(5));
  EXPECT_TRUE(spool_.WaitAcknowledged(LogPosition(4), Past()));
}

TEST_F(SpoolTest, EventThatTheCorrelatorWouldRefuseIsRefusedHere) {
  const auto refused = Append({Alert("a"), Alert("")});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, "transition.fingerprint"));
  EXPECT_EQ(ReasonOf(refused), "MALFORMED_EVENT");
  EXPECT_EQ(spool_.bounds().next, LogPosition(1));
}

TEST(Spool, AlertTooLargeForAMessageIsRefused) {
  MemoryEventLog log(64 << 20);
  Spool spool(log, 64 << 20);
  const auto refused = spool.Append(std::vector<Event>{Alert("a", kEventBytesMax)});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, "at most"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "EVENT_TOO_LARGE");
}

TEST(Spool, LargeSampleBatchIsStoredInPartsThatAddUp) {
  constexpr size_t kSamples = 500'000;
  MemoryEventLog log(64 << 20);
  Spool spool(log, 64 << 20);
  const auto last = spool.Append(std::vector<Event>{Samples(kSamples)});
  ASSERT_THAT(last, IsOk());
  EXPECT_GT(*last, LogPosition(1));
  const auto chunk = spool.Read(LogPosition(1), 100, SIZE_MAX);
  ASSERT_THAT(chunk, IsOk());
  ASSERT_EQ(chunk->records.size(), last->value());
  int64_t next_time_ms = 0;
  for (const std::string& record : chunk->records) {
    EXPECT_LE(record.size(), kSampleBatchBytesMax);
    const auto event = DecodeRecord(record);
    ASSERT_THAT(event, IsOk());
    for (const Timestamp time : std::get<SampleBatch>(*event).times) {
      ASSERT_EQ(time.millis(), next_time_ms++);
    }
  }
  EXPECT_EQ(next_time_ms, static_cast<int64_t>(kSamples));
}

TEST_F(SpoolTest, ListenerIsCalledAfterEachAppendOnly) {
  std::vector<uint64_t> seen;
  spool_.SetAppendListener([&] { seen.push_back(spool_.bounds().next.value()); });
  ASSERT_THAT(Append({Alert("a"), Alert("b")}), IsOk());
  ASSERT_THAT(Append({Samples(1)}), IsOk());
  EXPECT_FALSE(Append({Alert("")}).ok());
  EXPECT_THAT(seen, ::testing::ElementsAre(3, 4));
}

TEST(Spool, GoesOnWhereTheLogStands) {
  MemoryEventLog log(1 << 20);
  ASSERT_THAT(log.Append(std::vector<std::string>{"x", "y", "z"}), IsOk());
  ASSERT_THAT(log.Trim(LogPosition(3)), IsOk());
  Spool spool(log, 1 << 20);
  EXPECT_EQ(spool.acknowledged(), LogPosition(2));
  EXPECT_EQ(spool.log_id(), log.id());
}

}  // namespace
}  // namespace alertjoin
