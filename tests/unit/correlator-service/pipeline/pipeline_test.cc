#include "correlator-service/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <future>

#include "common/eventlog/memory_event_log.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/apply_round.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/forwarding_log.h"
#include "tests/support/join_events.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

// A log that says what a test wants.
class ScriptedLog final : public ForwardingLog {
 public:
  ScriptedLog() : ForwardingLog(log_) {}

  absl::StatusOr<LogPosition> Append(std::span<const std::string> records) override {
    if (on_append) RETURN_IF_ERROR(on_append());
    return ForwardingLog::Append(records);
  }

  std::function<absl::Status()> on_append;  // On the logger's thread.

 private:
  MemoryEventLog log_{1 << 20};
};

class PipelineTest : public ::testing::Test {
 protected:
  void Make(PipelineOptions options, RoundLogOptions log_options = {},
            const Clock& clock = SystemClock()) {
    round_log_ = std::make_unique<RoundLog>(log_, log_options);
    pipeline_ = std::make_unique<Pipeline>(
        options, engine_, *round_log_, store_, clock, registry_,
        [this](const absl::Status& status) { failed_.set_value(status); });
  }
  bool Push(std::vector<Event> events, std::function<void()> durable = {}) {
    ++sequence_;
    return pipeline_->TryPush(
        {{"producer", "log", 1, sequence_}, std::move(events), 100, std::move(durable)});
  }
  std::vector<std::string> Rows() {
    std::vector<JoinedRow> rows;
    for (const SharedRow& row : store_.ReadRows({}, 1'000).rows) rows.push_back(*row);
    return Describe(rows);
  }
  // Retention that never applies to times near the epoch.
  static PipelineOptions Forever() {
    PipelineOptions options;
    options.logger.sample_retention = options.logger.row_retention =
        std::chrono::hours(24 * 365 * 500);
    return options;
  }

  prometheus::Registry registry_;
  ScriptedLog log_;
  MemoryRowStore store_{registry_};
  Engine engine_{EngineLimits{}};
  std::promise<absl::Status> failed_;
  std::unique_ptr<RoundLog> round_log_;
  std::unique_ptr<Pipeline> pipeline_;
  uint64_t sequence_ = 0;
};

TEST_F(PipelineTest, WhatIsPushedIsJoinedAndPublished) {
  Make(Forever());
  pipeline_->Start();
  ASSERT_TRUE(Push({Samples("q", {{"i", "1"}}, {{90, 1}}), Firing({{"i", "1"}}, 100, {BindOn("q")}),
                    Covered("q", 0, 100)}));
  pipeline_->Stop();
  EXPECT_THAT(Rows(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 1 @90 final"));
  ASSERT_EQ(store_.Progress()->size(), 1u);
  EXPECT_EQ(store_.Progress()->at(0).complete_through, At(100));
}

TEST_F(PipelineTest, AProducerHearsNothingBeforeTheSyncAndReadersSeeNothing) {
  Make(Forever());
  std::promise<void> appending;
  std::promise<void> go_on;
  log_.on_append = [&] {
    appending.set_value();
    go_on.get_future().wait();
    return absl::OkStatus();
  };
  bool durable = false;  // Written on the logger's thread, read here around its end.
  pipeline_->Start();
  ASSERT_TRUE(Push({Firing({{"i", "1"}}, 100, {})}, [&] { durable = true; }));
  appending.get_future().wait();
  EXPECT_FALSE(durable);
  EXPECT_TRUE(Rows().empty());
  go_on.set_value();
  pipeline_->Stop();
  EXPECT_TRUE(durable);
  EXPECT_EQ(Rows().size(), 1u);
}

TEST_F(PipelineTest, AFailedLogIsFinalAndNobodyHearsOfSuccess) {
  Make(Forever());
  log_.on_append = [] { return absl::UnavailableError("the disk is gone"); };
  bool durable = false;
  pipeline_->Start();
  ASSERT_TRUE(Push({Firing({{"i", "1"}}, 100, {})}, [&] { durable = true; }));
  EXPECT_THAT(failed_.get_future().get(),
              StatusIs(absl::StatusCode::kUnavailable, "the disk is gone"));
  EXPECT_THAT(pipeline_->health(), StatusIs(absl::StatusCode::kUnavailable));
  pipeline_->Stop();
  EXPECT_FALSE(durable);
  EXPECT_TRUE(Rows().empty());
}

TEST_F(PipelineTest, StopAppliesWhatIsQueuedAndRefusesTheRest) {
  Make(Forever());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Push({Firing({{"i", std::to_string(i)}}, 100, {})}));
  pipeline_->Start();
  pipeline_->Stop();
  EXPECT_EQ(Rows().size(), 200u);
  EXPECT_FALSE(Push({Firing({{"i", "x"}}, 100, {})}));
}

TEST_F(PipelineTest, AFullQueueRefuses) {
  PipelineOptions options = Forever();
  options.logger.queue_batches_max = 1;
  Make(options);
  IntakeBatch first{{}, {Firing({{"i", "1"}}, 100, {})}, 0, nullptr};
  IntakeBatch second{{}, {Firing({{"i", "2"}}, 100, {})}, 0, nullptr};
  EXPECT_TRUE(pipeline_->TryPush(std::move(first)));
  EXPECT_FALSE(pipeline_->TryPush(std::move(second)));
  EXPECT_EQ(second.events.size(), 1u);
}

TEST_F(PipelineTest, RetentionDeletesRowsByItself) {
  PipelineOptions options = Forever();
  options.logger.row_retention = std::chrono::hours(1);  // The rows are of 1970.
  options.logger.expiry_interval = Millis(1);
  Make(options);
  // Pushed before the start, so that it is applied before the first expiry.
  ASSERT_TRUE(Push({Firing({{"i", "1"}}, 100, {})}));
  pipeline_->Start();
  while (store_.newest() < Sequence(2)) std::this_thread::yield();
  pipeline_->Stop();
  EXPECT_TRUE(Rows().empty());
}

TEST_F(PipelineTest, SegmentsBeyondRetentionAreTrimmedAndWhatCountsIsCarriedOver) {
  PipelineOptions options = Forever();
  options.logger.sample_retention = Millis(0);
  options.logger.expiry_interval = Millis(1);
  Make(options, {.segment_age = Millis(0)});
  ASSERT_TRUE(Push({Samples("q", {{"i", "1"}}, {{90, 1}})}));
  pipeline_->Start();
  while (log_.bounds().first < LogPosition(5)) std::this_thread::yield();
  pipeline_->Stop();
  // Somebody who reads the log from its new begin knows the series.
  Engine engine{EngineLimits{}};
  size_t carried = 0;
  RoundLog again(log_, {});
  ASSERT_THAT(again.Replay([&](LogPosition, Round&& round) {
    carried += round.carried.size();
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_GT(carried, 0u);
  ASSERT_EQ(again.Producers().size(), 1u);
  EXPECT_EQ(again.Producers()[0].last_sequence, 1u);
}

TEST_F(PipelineTest, AFullLogHoldsProducersBackAndStillTakesWhatMakesRoom) {
  PipelineOptions options = Forever();
  options.logger.expiry_interval = Millis(1);
  Make(options, {.bytes_max = 4'000});
  bool durable = false;
  pipeline_->Start();
  ASSERT_TRUE(Push({Firing({{"i", std::string(4'000, 'x')}}, 100, {})}, [&] { durable = true; }));
  while (log_.bounds().next < LogPosition(3)) std::this_thread::yield();  // Rounds of expiry.
  pipeline_->Stop();
  EXPECT_FALSE(durable);
  EXPECT_TRUE(Rows().empty());
}

TEST_F(PipelineTest, SamplesFromTheFutureAreDropped) {
  Make(Forever());
  const int64_t now = SystemClock().Now().millis();
  const int64_t ahead = now + 2 * Millis(RoundLogger::kSampleFutureMax).count();
  pipeline_->Start();
  ASSERT_TRUE(Push({Samples("q", {{"i", "1"}}, {{ahead, 1}, {now, 2}, {ahead, 3}}),
                    Firing({{"i", "1"}}, ahead, {BindOn("q")})}));
  pipeline_->Stop();
  EXPECT_EQ(engine_.stats().samples_new, 1u);
  ASSERT_EQ(Rows().size(), 1u);
  EXPECT_THAT(Rows()[0], ::testing::HasSubstr("TOO_OLD"));
}

TEST(ApplyRound, RawPayloadsGoToTheStoreAsLongAsRows) {
  Engine engine{EngineLimits{}};
  const RawPayload payload{"am", At(7), "{}"};
  RowCommit commit = ApplyRound(engine, LogPosition(1), {At(9), {}, {payload}, {}, {}});
  EXPECT_THAT(commit.raw_payloads, ElementsAre(payload));
  EXPECT_TRUE(commit.changes.empty());
  commit = ApplyRound(engine, LogPosition(2), {At(9), Horizons{At(5), At(3)}, {}, {}, {}});
  EXPECT_EQ(commit.row_horizon, At(3));
}

TEST(ApplyRound, HowSourcesFareGoesToTheStore) {
  Engine engine{EngineLimits{}};
  SourceStatus status;
  status.source = "prom";
  const RowCommit commit = ApplyRound(engine, LogPosition(1), {At(9), {}, {status}, {}, {}});
  EXPECT_THAT(commit.sources, ElementsAre(status));
  EXPECT_TRUE(commit.changes.empty());
}

TEST_F(PipelineTest, EveryKindOfEventIsAppliedAndCounted) {
  Make(Forever());
  SourceStatus status;
  status.source = "prom";
  status.producer_id = "ingest";
  ASSERT_TRUE(Push({Firing({{"i", "1"}}, 100, {}), Samples("q", {{"i", "1"}}, {{90, 1}}),
                    Covered("q", 0, 1), Gap{"prom", {}, At(1), At(2), "slow", false},
                    RawPayload{"am", At(7), "{}"}, Refused("q", 1, "bad"), status}));
  pipeline_->Start();
  pipeline_->Stop();
  ASSERT_EQ(store_.Sources().size(), 1u);
  EXPECT_EQ(*store_.Sources()[0], status);
  const std::string metrics = prometheus::TextSerializer().Serialize(registry_.Collect());
  for (const char* kind : {"transition", "samples", "progress", "gap", "raw_payload", "query_error",
                           "source_status"}) {
    EXPECT_THAT(metrics, ::testing::HasSubstr(std::string("alertjoin_join_events_total{kind=\"") +
                                              kind + "\"} 1"));
  }
}

TEST_F(PipelineTest, AnEventThatIsAppliedInPartsIsCountedOnce) {
  Make(Forever());
  SampleBatch samples = Samples("q", {{"i", "1"}}, {{0, 1}});
  for (int64_t time = 1; time < 10'000; ++time) {
    samples.series_index.push_back(0);
    samples.times.push_back(At(time));
    samples.values.push_back(1);
  }
  const auto push = [&](const std::string& producer, Event event, size_t bytes) {
    return pipeline_->TryPush({{producer, "log", 1, 1}, {std::move(event)}, bytes, {}});
  };
  // Behind the batch of another producer, large ones come in parts.
  ASSERT_TRUE(push("one", Firing({{"i", "1"}}, 100, {}), 100));
  ASSERT_TRUE(push("two", samples, 10 * IntakeCircle::kPartBytes));
  pipeline_->Start();
  pipeline_->Stop();
  EXPECT_EQ(engine_.stats().samples_new, samples.size());
  const std::string metrics = prometheus::TextSerializer().Serialize(registry_.Collect());
  for (const char* line : {"alertjoin_join_events_total{kind=\"samples\"} 1\n",
                           "alertjoin_stage_in_total{stage=\"join\"} 2\n",
                           "alertjoin_stage_out_total{stage=\"join\"} 2\n",
                           "alertjoin_stage_out_total{stage=\"log\"} 2\n"}) {
    EXPECT_THAT(metrics, ::testing::HasSubstr(line));
  }
}

// Rounds grow with the time that a sync takes, and with nothing else: it is as if here everything
// behind the log were slow.
TEST_F(PipelineTest, RoundsOfSeveralStaySmallWhereOnlyTheLogIsFast) {
  constexpr int kParts = 100;
  ManualClock clock(At(0));
  Make(Forever(), {}, clock);
  int rounds = 0;  // Written on the logger's thread, read here behind its end.
  log_.on_append = [&] {
    ++rounds;
    return absl::OkStatus();
  };
  std::promise<void> all_durable;
  int durable = 0;
  const auto push = [&](const std::string& producer, uint64_t sequence, size_t bytes) {
    return pipeline_->TryPush(
        {{producer, "log", 1, sequence}, {Firing({{"i", "1"}}, 100, {})}, bytes, [&] {
           clock.Advance(Millis(20));
           if (++durable == kParts + 1) all_durable.set_value();
         }});
  };
  ASSERT_TRUE(push("one", 1, 100));
  for (int i = 1; i <= kParts; ++i) {
    ASSERT_TRUE(push("two", static_cast<uint64_t>(i), IntakeCircle::kPartBytes));
  }
  pipeline_->Start();
  all_durable.get_future().wait();
  pipeline_->Stop();
  constexpr size_t kPartsOfRound = IntakeCircle::kSharedRoundBytes / IntakeCircle::kPartBytes;
  EXPECT_GE(rounds, kParts / static_cast<int>(kPartsOfRound));
}

TEST_F(PipelineTest, AGapIsPassedOn) {
  Make(Forever());
  ASSERT_TRUE(Push({Gap{"prom", {}, At(1), At(2), "too slow", false}}));
  pipeline_->Start();
  pipeline_->Stop();
  const auto changes = store_.ReadChanges(Sequence(), 10, 1 << 20);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->sets.size(), 1u);
  EXPECT_EQ(changes->sets[0]->gap->reason, "too slow");
}

}  // namespace
}  // namespace alertjoin
