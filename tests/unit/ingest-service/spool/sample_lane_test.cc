#include "ingest-service/spool/sample_lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event/event_codec.h"
#include "common/eventlog/memory_event_log.h"
#include "common/eventlog/rocksdb_event_log.h"
#include "ingest-service/spool/spool_records.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/ingest-service/spool/sample_events.h"
#include "tests/unit/ingest-service/spool/scripted_log.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kLaneBytes = 64 << 10;
constexpr int kSamplesPerEvent = 20;

class SampleLaneTest : public ::testing::Test {
 protected:
  SampleLaneTest() { Open(log_); }

  void Open(EventLog& log) {
    lane_.reset();
    registry_ = std::make_unique<prometheus::Registry>();
    lane_ = std::make_unique<SampleLane>(log, kLaneBytes, clock_, *registry_);
  }
  absl::Status Append(const Event& event) { return lane_->Append({&event, 1}); }
  // Appends samples of `query` as event `number`, at its own times.
  absl::Status AppendNumber(const std::string& query, int number) {
    return Append(SamplesOf(query, number * kSamplesPerEvent,
                            number * kSamplesPerEvent + kSamplesPerEvent - 1));
  }
  // Appends numbered events from `number` on until one more has been dropped for.
  int AppendUntilDropped(const std::string& query, int number) {
    const LogPosition first = lane_->spool().bounds().first;
    for (; lane_->spool().bounds().first == first; ++number) {
      EXPECT_THAT(AppendNumber(query, number), IsOk());
    }
    return number;
  }
  std::vector<Event> Events() const {
    const Spool& spool = lane_->spool();
    const auto chunk = spool.Read(spool.bounds().first, SIZE_MAX, SIZE_MAX);
    EXPECT_THAT(chunk, IsOk());
    std::vector<Event> events;
    for (const std::string& record : chunk->records) events.push_back(*DecodeRecord(record));
    return events;
  }
  std::vector<std::string> Gaps() const {
    std::vector<std::string> texts;
    for (const Event& event : Events()) {
      if (const auto* gap = std::get_if<Gap>(&event)) texts.push_back(TextOf(*gap));
    }
    return texts;
  }
  // The time of the oldest sample that is there.
  int64_t OldestTime() const {
    for (const Event& event : Events()) {
      if (const auto* batch = std::get_if<SampleBatch>(&event)) return batch->times[0].millis();
    }
    return -1;
  }
  double Metric(const std::string& name) const {
    for (const auto& family : registry_->Collect()) {
      if (family.name != name) continue;
      EXPECT_EQ(family.metric[0].label[0].value, "samples");
      return family.metric[0].counter.value;
    }
    return -1;
  }

  ManualClock clock_{Timestamp::FromMillis(1'772'000'000'000)};
  MemoryEventLog log_{kLaneBytes};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<SampleLane> lane_;
};

TEST_F(SampleLaneTest, FullLaneDropsTheOldestAndTakesTheNewest) {
  const int next = AppendUntilDropped("a", 0);
  const uint64_t dropped = lane_->spool().bounds().first.value() - 1;
  EXPECT_GT(dropped, 1u);
  EXPECT_EQ(OldestTime(), static_cast<int64_t>(dropped) * kSamplesPerEvent);
  const std::vector<Event> events = Events();
  EXPECT_EQ(std::get<SampleBatch>(events.back()).times.back().millis(),
            next * kSamplesPerEvent - 1);
  EXPECT_THAT(Gaps(), ElementsAre("void a 0-" + std::to_string(OldestTime() - 1)));
  EXPECT_EQ(Metric("alertjoin_spool_dropped_events_total"), static_cast<double>(dropped));
  EXPECT_EQ(Metric("alertjoin_spool_dropped_samples_total"),
            static_cast<double>(dropped * kSamplesPerEvent));
}

TEST_F(SampleLaneTest, AboutASixteenthGoesAtATime) {
  AppendUntilDropped("a", 0);
  const uint64_t used = lane_->spool().bounds().bytes;
  EXPECT_LT(used, kLaneBytes / 16 * 14 + 1000);
  EXPECT_GT(used, kLaneBytes / 16 * 13);
}

TEST_F(SampleLaneTest, GapsThatAreDroppedLiveOnMergedPerQuery) {
  ASSERT_THAT(AppendNumber("once", 0), IsOk());
  int next = 1;
  for (int drops = 0; drops < 100; ++drops) next = AppendUntilDropped("a", next);
  // A gap may not have been reached by a drop yet: of each query all together say what is missing.
  int64_t through = 0;
  bool once = false;
  for (const Event& event : Events()) {
    const auto* gap = std::get_if<Gap>(&event);
    if (gap == nullptr) continue;
    if (gap->query->name == "once") once = true;
    if (gap->query->name == "a") through = std::max(through, gap->through->millis());
  }
  EXPECT_TRUE(once);
  EXPECT_EQ(through, OldestTime() - 1);
  EXPECT_LE(Gaps().size(), 40u);
}

TEST_F(SampleLaneTest, ProgressOfTheDroppedIsDroppedAsAGap) {
  ASSERT_THAT(Append(ProgressOf("a", -500, 9)), IsOk());
  AppendUntilDropped("b", 0);
  ASSERT_THAT(Gaps(), SizeIs(2));
  EXPECT_EQ(Gaps()[0], "void a -500-9");
}

TEST_F(SampleLaneTest, AcknowledgedEventsMakeRoomWithoutAGap) {
  const Spool& spool = lane_->spool();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_THAT(AppendNumber("a", i), IsOk());
    // Not the newest, so that the spool does not trim at once.
    ASSERT_THAT(lane_->spool().Acknowledge(LogPosition(spool.bounds().next.value() - 2)), IsOk());
  }
  EXPECT_THAT(Gaps(), IsEmpty());
  EXPECT_EQ(Metric("alertjoin_spool_dropped_events_total"), 0);
}

TEST_F(SampleLaneTest, AcknowledgementAtAnyMomentOfAnAppendOnlyMakesRoom) {
  bool before_the_end = true;
  for (int moment = 1; before_the_end; ++moment) {
    SCOPED_TRACE(moment);
    ScriptedLog log(kLaneBytes);
    Open(log);
    int next = 0;
    const Event event = SamplesOf("a", 0, kSamplesPerEvent - 1);
    const uint64_t bytes = SpoolBytesOf(*EncodeSpoolRecords({&event, 1}));
    while (log.bounds().bytes + 2 * bytes < lane_->spool().bytes_max()) {
      ASSERT_THAT(AppendNumber("a", next++), IsOk());
    }
    before_the_end = false;
    log.OnCall(moment, [&] {
      before_the_end = true;
      // The last one stays.
      EXPECT_THAT(lane_->spool().Acknowledge(LogPosition(log.bounds().next.value() - 2)), IsOk());
    });
    ASSERT_THAT(Append(SamplesOf("b", 0, 300)), IsOk());
    log.OnCall(0, nullptr);
    const std::vector<Event> events = Events();
    const auto* newest = std::get_if<SampleBatch>(&events.back());
    ASSERT_NE(newest, nullptr);
    EXPECT_EQ(newest->series[0]->query->name, "b");
    for (const std::string& gap : Gaps()) EXPECT_TRUE(gap.starts_with("void a 0-")) << gap;
  }
}

TEST_F(SampleLaneTest, WhatCanNeverFitIsRefusedAndNothingDroppedForIt) {
  ASSERT_THAT(AppendNumber("a", 0), IsOk());
  const auto refused = Append(SamplesOf("a", 0, kLaneBytes));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "full"));
  EXPECT_EQ(DetailOf(refused)->reason, "SPOOL_FULL");
  EXPECT_EQ(lane_->spool().bounds().first, LogPosition(1));
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(SampleLaneTest, LargeAppendDropsAsMuchAsItNeedsAtOnce) {
  AppendUntilDropped("a", 0);
  // Sizes that leave more or less of the last record dropped to spare for the gap.
  for (int samples = 400; samples < 2000; samples += 7) {
    const EventLog::Bounds before = lane_->spool().bounds();
    ASSERT_THAT(Append(SamplesOf("a", 1'000'000, 1'000'000 + samples)), IsOk());
    const EventLog::Bounds after = lane_->spool().bounds();
    EXPECT_LE(after.bytes, kLaneBytes);
    if (after.first == before.first) continue;
    EXPECT_EQ(after.next, before.next.Next(2)) << "one gap, and the samples";
  }
}

TEST_F(SampleLaneTest, LargestAppendTakesThePlaceOfEverything) {
  AppendUntilDropped("a", 0);
  const uint64_t limit = lane_->spool().bytes_max();
  int samples = 0;
  while (SpoolBytesOf(*EncodeSpoolRecords(std::vector<Event>{SamplesOf("a", 0, samples)})) + 400 <
         limit) {
    ++samples;
  }
  ASSERT_THAT(Append(SamplesOf("a", 0, samples)), IsOk());
  EXPECT_THAT(Events(), SizeIs(2));
  EXPECT_THAT(Gaps(), SizeIs(1));
}

TEST_F(SampleLaneTest, MoreQueriesThanThereIsRoomForGapsOfRefusesAndDropsNothing) {
  std::string refusal;
  for (int i = 0; refusal.empty(); ++i) {
    ASSERT_LT(i, 10'000);
    const auto status = Append(ProgressOf("query number " + std::to_string(i), 0, 1));
    if (!status.ok()) refusal = MessageOf(status);
  }
  EXPECT_THAT(refusal, ::testing::HasSubstr("gaps"));
  EXPECT_EQ(lane_->spool().bounds().first, LogPosition(1));
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(SampleLaneTest, AlertInTheLaneIsNotDroppedWhateverComes) {
  TransitionEvent alert;
  alert.source = "am";
  alert.fingerprint = "f";
  ASSERT_THAT(lane_->spool().Append(std::vector<Event>{alert}), IsOk());
  absl::Status status;
  for (int i = 0; status.ok(); ++i) status = AppendNumber("a", i);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "event 1 of the samples"));
  EXPECT_EQ(lane_->spool().bounds().first, LogPosition(1));
  EXPECT_THAT(Gaps(), IsEmpty());
}

TEST_F(SampleLaneTest, CrashBetweenGapsAndDropLosesNothing) {
  ScriptedLog log(kLaneBytes);
  Open(log);
  int next = 0;
  log.FailTrims(true);
  absl::Status status;
  while (status.ok()) status = AppendNumber("a", next++);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(lane_->spool().bounds().first, LogPosition(1));
  EXPECT_EQ(OldestTime(), 0);
  ASSERT_THAT(Gaps(), SizeIs(1));
  EXPECT_EQ(Metric("alertjoin_spool_dropped_events_total"), 0);

  log.FailTrims(false);
  Open(log);
  ASSERT_THAT(AppendNumber("a", next), IsOk());
  EXPECT_GT(OldestTime(), 0);
  EXPECT_EQ(Gaps().back(), "void a 0-" + std::to_string(OldestTime() - 1));
}

TEST_F(SampleLaneTest, GapsSurviveARestart) {
  const TemporaryFolder folder;
  RocksdbEventLog::Options options;
  options.folder = folder / "samples";
  options.bytes_max = kLaneBytes;
  auto log = RocksdbEventLog::Open(options);
  ASSERT_THAT(log, IsOk());
  Open(**log);
  int next = AppendUntilDropped("a", 0);
  const std::vector<std::string> gaps = Gaps();
  const int64_t oldest = OldestTime();

  lane_.reset();
  log->reset();
  log = RocksdbEventLog::Open(options);
  ASSERT_THAT(log, IsOk());
  Open(**log);
  EXPECT_EQ(Gaps(), gaps);
  EXPECT_EQ(OldestTime(), oldest);
  for (int drops = 0; drops < 40; ++drops) next = AppendUntilDropped("b", next);
  const std::vector<std::string> later = Gaps();
  EXPECT_NE(std::find_if(later.begin(), later.end(),
                         [](const std::string& gap) { return gap.starts_with("void a 0-"); }),
            later.end());
  lane_.reset();
}

}  // namespace
}  // namespace alertjoin
