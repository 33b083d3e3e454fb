#include "correlator-service/pipeline/round_log.h"

#include <gtest/gtest.h>

#include "alertjoin/storage/v1/log_record.pb.h"
#include "common/eventlog/memory_event_log.h"
#include "common/status/status.h"
#include "tests/support/join_events.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/common/event/random_event.h"

namespace alertjoin {
namespace {

class RoundLogTest : public ::testing::Test {
 protected:
  LogPosition Append(RoundLog& log, Round round) {
    const auto position = log.Append(round);
    EXPECT_THAT(position, IsOk());
    return position.value_or(LogPosition());
  }
  static Round RoundAt(int64_t time, std::vector<Event> events = {}) {
    Round round;
    round.time = At(time);
    round.events = std::move(events);
    return round;
  }
  static std::vector<std::string> DescribeAll(const std::vector<Event>& events) {
    std::vector<std::string> texts;
    for (const Event& event : events) texts.push_back(alertjoin::Describe(event));
    return texts;
  }
  // What somebody reads who opens the log anew.
  std::vector<Round> ReadAll(RoundLog* into = nullptr) {
    std::vector<Round> rounds;
    RoundLog fresh(log_, {});
    RoundLog& reader = into == nullptr ? fresh : *into;
    EXPECT_THAT(reader.Replay([&](LogPosition at, Round&& round) {
      EXPECT_EQ(at, log_.bounds().first.Next(rounds.size()));
      rounds.push_back(std::move(round));
      return absl::OkStatus();
    }),
                IsOk());
    return rounds;
  }

  MemoryEventLog log_{64 << 20};
};

TEST_F(RoundLogTest, AnyRoundComesBackAsItWas) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  RandomEvents random(seed);
  RoundLog log(log_, {.segment_age = Millis(3)});
  std::vector<Round> written;
  for (int i = 0; i < 300; ++i) {
    Round round = RoundAt(i, {random.Next(), random.Next()});
    if (i % 7 == 0) round.horizons = {At(-i), At(-2 * i)};
    if (i % 5 == 0) round.carried = {random.Next()};
    round.producers.push_back({"p\xC3\xA4", "log", 3, static_cast<uint64_t>(i)});
    const auto position = log.Append(round);
    ASSERT_THAT(position, IsOk());
    written.push_back(round);
  }
  const std::vector<Round> read = ReadAll();
  ASSERT_EQ(read.size(), written.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].time, written[i].time);
    EXPECT_EQ(read[i].horizons, written[i].horizons);
    EXPECT_EQ(DescribeAll(read[i].events), DescribeAll(written[i].events));
    EXPECT_EQ(DescribeAll(read[i].carried), DescribeAll(written[i].carried));
    ASSERT_EQ(read[i].producers.size(), 1u);
    EXPECT_EQ(read[i].producers[0].producer_id, "p\xC3\xA4");
    EXPECT_EQ(read[i].producers[0].last_sequence, i);
  }
}

TEST_F(RoundLogTest, RecordsOfTheFirstFormatAreStillRead) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  RandomEvents random(seed);
  EventEncoder encoder;
  std::vector<Event> written;
  for (int i = 0; i < 100; ++i) {
    storage::v1::LogRecord record;
    record.set_time_ms(i);
    record.set_begins_segment(i == 0);
    written.push_back(random.Next());
    encoder.Encode(written.back(), record.add_events());
    ASSERT_THAT(log_.Append(std::vector{"\x01" + record.SerializeAsString()}), IsOk());
  }
  // One of this format behind them.
  RoundLog log(log_, {});
  ReadAll(&log);
  written.push_back(random.Next());
  Append(log, RoundAt(100, {written.back()}));
  const std::vector<Round> read = ReadAll();
  ASSERT_EQ(read.size(), written.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].time, At(static_cast<int64_t>(i)));
    EXPECT_EQ(DescribeAll(read[i].events), DescribeAll({written[i]}));
  }
}

TEST_F(RoundLogTest, ALogThatBeginsWithALaterSegmentCanBeRead) {
  RoundLog log(log_, {.segment_age = Millis(10)});
  const SampleBatch samples = Samples("q", {{"i", "1"}}, {{1, 5}});
  Round first = RoundAt(0, {samples});
  first.horizons = {At(-9), At(-99)};
  Append(log, first);
  for (int64_t time = 1; time < 30; ++time) Append(log, RoundAt(time, {samples}));
  const auto trimmable = log.FindTrimmable(At(19));
  ASSERT_TRUE(trimmable.has_value());
  EXPECT_EQ(trimmable->before, LogPosition(11));
  EXPECT_EQ(trimmable->newest_sample, At(1));
  ASSERT_THAT(log.Trim(trimmable->before), IsOk());
  const std::vector<Round> read = ReadAll();
  ASSERT_EQ(read.size(), 20u);
  EXPECT_EQ(DescribeAll(read[0].events), DescribeAll({samples}));
  // The horizons of what was trimmed came along.
  EXPECT_EQ(read[0].horizons, first.horizons);
}

// After retention was raised, or on a clock that was set back.
TEST_F(RoundLogTest, HorizonsOfWhatWasTrimmedAreKeptThoughTheNextAreEarlier) {
  RoundLog log(log_, {.segment_age = Millis(10)});
  Round first = RoundAt(0);
  first.horizons = {At(-9), At(-99)};
  Append(log, first);
  Round second = RoundAt(10);
  second.horizons = {At(-20), At(-50)};
  Append(log, second);
  Append(log, RoundAt(20));
  ASSERT_THAT(log.Trim(LogPosition(2)), IsOk());
  EXPECT_EQ(ReadAll().at(0).horizons, (Horizons{At(-9), At(-50)}));
}

TEST_F(RoundLogTest, ASegmentStaysAsLongAsASampleOfItMayMatter) {
  RoundLog log(log_, {.segment_age = Millis(10)});
  Append(log, RoundAt(0, {Samples("q", {{"i", "1"}}, {{100, 5}})}));
  Append(log, RoundAt(10, {Samples("q", {{"i", "1"}}, {{5, 5}})}));
  Append(log, RoundAt(20));
  EXPECT_FALSE(log.FindTrimmable(At(100)).has_value());
  ASSERT_TRUE(log.FindTrimmable(At(101)).has_value());
  EXPECT_EQ(log.FindTrimmable(At(101))->before, LogPosition(3));
  // Known again after a restart.
  RoundLog again(log_, {});
  ReadAll(&again);
  EXPECT_FALSE(again.FindTrimmable(At(100)).has_value());
  EXPECT_EQ(again.FindTrimmable(At(101))->before, LogPosition(3));
}

TEST_F(RoundLogTest, AfterARestartASegmentBegins) {
  const SampleBatch samples = Samples("q", {{"i", "1"}}, {{1, 5}});
  RoundLog log(log_, {});
  Append(log, RoundAt(0, {samples}));
  RoundLog again(log_, {});
  ReadAll(&again);
  Append(again, RoundAt(1, {samples}));
  ASSERT_THAT(log_.Trim(LogPosition(2)), IsOk());
  EXPECT_EQ(ReadAll().size(), 1u);
}

TEST_F(RoundLogTest, KnowsTheNewestPositionOfEachProducer) {
  RoundLog log(log_, {});
  Round round = RoundAt(0);
  round.producers = {{"a", "1", 1, 5}, {"b", "1", 2, 7}, {"a", "2", 1, 3}, {"a", "1", 2, 9}};
  Append(log, round);
  RoundLog again(log_, {});
  ReadAll(&again);
  for (const RoundLog* const known : {&log, &again}) {
    const auto positions = known->Producers();
    ASSERT_EQ(positions.size(), 3u);
    EXPECT_EQ(positions[2].producer_id, "a");
    EXPECT_EQ(positions[2].log_id, "1");
    EXPECT_EQ(positions[2].epoch, 2u);
    EXPECT_EQ(positions[2].last_sequence, 9u);
  }
}

TEST_F(RoundLogTest, AFullLogTakesNoEventsButWhatMakesRoom) {
  RoundLog log(log_, {.bytes_max = 3'200});
  Round large = RoundAt(0, {Gap{"prom", {}, {}, {}, std::string(2'000, 'x')}});
  Append(log, large);
  EXPECT_THAT(log.Append(large), StatusIs(absl::StatusCode::kResourceExhausted, "log_bytes"));
  Round expiry = RoundAt(1);
  expiry.horizons = {At(0), At(0)};
  EXPECT_THAT(log.Append(expiry), IsOk());
  // What the refused round would have defined is not taken for known.
  EXPECT_EQ(ReadAll().size(), 2u);
}

// Otherwise nothing would ever be trimmed again.
TEST_F(RoundLogTest, ALogThatIsLargerThanItsBoundTakesWhatMakesRoom) {
  RoundLog before(log_, {});
  Round large = RoundAt(0, {Gap{"prom", {}, {}, {}, std::string(2'000, 'x')}});
  Append(before, large);
  RoundLog log(log_, {.bytes_max = 1'000});
  ReadAll(&log);
  Round small = RoundAt(1, {Gap{"prom", {}, {}, {}, "x"}});
  EXPECT_THAT(log.Append(small), StatusIs(absl::StatusCode::kResourceExhausted, "log_bytes"));
  Round expiry = RoundAt(1);
  expiry.horizons = {At(0), At(0)};
  EXPECT_THAT(log.Append(expiry), IsOk());
}

TEST_F(RoundLogTest, DamageIsSaidWithItsPlace) {
  RoundLog log(log_, {});
  Append(log, RoundAt(0));
  const std::string bad = "\x01garbage";
  ASSERT_THAT(log_.Append({&bad, 1}), IsOk());
  const auto nothing = [](LogPosition, Round&&) { return absl::OkStatus(); };
  RoundLog again(log_, {});
  EXPECT_THAT(again.Replay(nothing), StatusIs(absl::StatusCode::kDataLoss, "record 2"));
}

TEST_F(RoundLogTest, AnUnknownFormatIsRefusedByName) {
  const std::string newer = "\x03what comes";
  ASSERT_THAT(log_.Append({&newer, 1}), IsOk());
  const auto nothing = [](LogPosition, Round&&) { return absl::OkStatus(); };
  RoundLog log(log_, {});
  EXPECT_THAT(log.Replay(nothing), StatusIs(absl::StatusCode::kFailedPrecondition, "format 3"));
}

}  // namespace
}  // namespace alertjoin
