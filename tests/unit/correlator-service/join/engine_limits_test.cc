#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "correlator-service/join/engine.h"
#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

EngineLimits SampleBytes(uint64_t bytes) {
  EngineLimits limits;
  limits.sample_bytes_max = bytes;
  return limits;
}

// Applies samples of series {i="1"} at times 1000, 2000, ... until one is refused; gives the time
// of that one.
int64_t Fill(Engine& engine) {
  for (int64_t time = 1000;; time += 1000) {
    engine.Apply({Samples("q", {{"i", "1"}}, {{time, 1}})}, At(1));
    if (engine.stats().samples_refused > 0) return time;
  }
}

TEST(EngineLimits, SamplesBeyondTheirBytesAreRefusedAndNoneIsEvicted) {
  Engine engine(SampleBytes(10'000));
  const int64_t refused = Fill(engine);
  EXPECT_GT(refused, 10'000 / 32 * 1000);
  EXPECT_EQ(engine.stats().samples_new, static_cast<uint64_t>(refused / 1000 - 1));
  EXPECT_GE(engine.stats().sample_bytes, 10'000u);
  EXPECT_LT(engine.stats().sample_bytes, 20'000u);
  engine.Apply(
      {Firing({{"i", "1"}}, 1000, {BindOn("q")}), Firing({{"i", "1"}}, refused, {BindOn("q")})},
      At(2));
  EXPECT_THAT(Describe(engine.Rows()),
              ElementsAre("FIRING @1000 q{i=\"1\"} MATCHED 1 @1000",
                          "FIRING @" + std::to_string(refused) + " q{i=\"1\"} TOO_OLD @" +
                              std::to_string(refused - 1000)));
}

TEST(EngineLimits, AtTheLimitAKnownSampleIsStillNoNews) {
  Engine engine(SampleBytes(1'000));
  Fill(engine);
  engine.Apply({Samples("q", {{"i", "1"}}, {{1000, 1}, {2000, 7}})}, At(2));
  EXPECT_EQ(engine.stats().samples_refused, 1u);
  EXPECT_EQ(engine.stats().samples_unchanged, 1u);
  EXPECT_EQ(engine.stats().samples_replaced, 1u);
}

TEST(EngineLimits, ProgressDoesNotSpeakForRefusedSamples) {
  Engine engine(SampleBytes(1'000));
  const int64_t refused = Fill(engine);
  engine.Apply(
      {Firing({{"i", "1"}}, refused + 10, {BindOn("q")}),
       Firing({{"i", "1"}}, refused + 5000, {BindOn("q")}), Covered("q", 0, refused + 10'000)},
      At(2));
  // The first might have been answered by the refused sample; the second is too late for that.
  const std::string last = " q{i=\"1\"} TOO_OLD @" + std::to_string(refused - 1000);
  EXPECT_THAT(Describe(engine.Rows()),
              ElementsAre("FIRING @" + std::to_string(refused + 10) + last,
                          "FIRING @" + std::to_string(refused + 5000) + last + " final"));
}

TEST(EngineLimits, RetentionMakesRoomAgain) {
  Engine engine(SampleBytes(10'000));
  const int64_t refused = Fill(engine);
  const uint64_t full = engine.stats().sample_bytes;
  engine.Expire(At(refused), At(0), At(2));
  EXPECT_LT(engine.stats().sample_bytes, full);
  engine.Apply({Samples("q", {{"i", "1"}}, {{refused, 5}})}, At(3));
  EXPECT_EQ(engine.stats().samples_refused, 1u);
  engine.Apply({Firing({{"i", "1"}}, refused, {BindOn("q")})}, At(4));
  EXPECT_THAT(Describe(engine.Rows()),
              ElementsAre("FIRING @" + std::to_string(refused) + " q{i=\"1\"} MATCHED 5 @" +
                          std::to_string(refused)));
}

TEST(EngineLimits, SeriesBeyondTheirNumberOrBytesAreRefused) {
  EngineLimits by_number;
  by_number.series_max = 2;
  EngineLimits by_bytes;
  by_bytes.series_bytes_max = 1;
  for (const auto& [limits, taken] : {std::pair(by_number, 2u), std::pair(by_bytes, 1u)}) {
    Engine engine(limits);
    for (const char* const name : {"1", "2", "3"}) {
      engine.Apply({Samples("q", {{"i", name}}, {{1000, 1}})}, At(1));
    }
    EXPECT_EQ(engine.stats().series, taken);
    EXPECT_EQ(engine.stats().samples_refused, 3 - taken);
    EXPECT_GT(engine.stats().series_bytes, 0u);
    // Its row says NO_SERIES, and is not final, since nothing is known.
    engine.Apply({Firing({{"i", "3"}}, 1000, {BindOn("q")}), Covered("q", 0, 1000)}, At(2));
    EXPECT_THAT(Describe(engine.Rows()), ElementsAre("FIRING @1000 q NO_SERIES"));
  }
}

TEST(EngineLimits, NothingNewComesInBeyondTheRowsThoughTheirAlertIsKnown) {
  EngineLimits limits;
  limits.rows_max = 2;
  Engine engine(limits);
  for (const int64_t start : {100, 200, 300}) {
    engine.Apply({Firing({{"i", "1"}}, start, {BindOn("q")})}, At(1));
  }
  EXPECT_EQ(engine.stats().rows, 2u);
  EXPECT_EQ(engine.stats().rows_refused, 1u);
  // What is known may still be said again.
  EXPECT_THAT(engine.Apply({Firing({{"i", "1"}}, 100, {BindOn("q")})}, At(2)), IsEmpty());
  EXPECT_EQ(engine.stats().rows_refused, 1u);
}

// One that goes mad leaves what the others need.
TEST(EngineLimits, ASourceHasNoMoreAlertsThanItsShare) {
  EngineLimits limits;
  limits.source_alerts_max = 2;
  Engine engine(limits);
  const auto notify = [&engine](const char* source, const char* fingerprint, int64_t start) {
    TransitionEvent event = Firing({{"i", fingerprint}}, start, {});
    event.source = source;
    event.fingerprint = fingerprint;
    engine.Apply({event}, At(1));
  };
  for (const char* const fingerprint : {"1", "2", "3", "4", "4"}) notify("mad", fingerprint, 100);
  EXPECT_EQ(engine.stats().rows, 2u);
  EXPECT_EQ(engine.stats().alerts_refused, 3u);
  notify("good", "1", 100);
  notify("mad", "1", 5000);  // Known: a new episode of it is no new alert.
  EXPECT_EQ(engine.stats().rows, 4u);
  EXPECT_EQ(engine.stats().alerts_refused, 3u);
  // What has left makes room, for as many.
  engine.Expire(At(0), At(1000), At(2));
  notify("mad", "5", 6000);
  notify("mad", "6", 6000);
  EXPECT_EQ(engine.stats().alerts_refused, 4u);
  EXPECT_EQ(engine.stats().rows_refused, 0u);
}

TEST(EngineLimits, ASourceHasNoMoreSeriesThanItsShare) {
  EngineLimits limits;
  limits.source_series_max = 2;
  Engine engine(limits);
  for (const char* const query : {"p", "q"}) {
    for (const char* const name : {"1", "2", "3"}) {
      engine.Apply({Samples(query, {{"i", name}}, {{1000, 1}})}, At(1));
    }
  }
  // Of all queries of the source together.
  EXPECT_EQ(engine.stats().series, 2u);
  EXPECT_EQ(engine.stats().samples_refused, 4u);
}

TEST(EngineLimits, BytesOfRowsGrowWithWhatAlertsSayAndGoWithThem) {
  EngineLimits limits;
  limits.row_bytes_max = 100'000;
  Engine engine(limits);
  TransitionEvent event = Firing({{"i", "1"}}, 100, {BindOn("q")});
  event.annotations = LabelSet{{"description", std::string(60'000, 'x')}};
  engine.Apply({event}, At(1));
  EXPECT_GT(engine.stats().row_bytes, 60'000u);
  event.starts_at = event.received_time = At(200);
  engine.Apply({event}, At(1));
  EXPECT_EQ(engine.stats().rows_refused, 0u);
  event.starts_at = event.received_time = At(300);
  engine.Apply({event}, At(1));
  EXPECT_EQ(engine.stats().rows, 2u);
  EXPECT_EQ(engine.stats().rows_refused, 1u);
  engine.Expire(At(0), At(1000), At(2));
  EXPECT_EQ(engine.stats().rows, 0u);
  EXPECT_EQ(engine.stats().row_bytes, 0u);
}

// What few rows have is no part of all, and is counted where it is.
TEST(EngineLimits, BytesOfRowsGrowWithTheNextValueAndGoWithIt) {
  Engine engine{EngineLimits{}};
  Binding with_next = BindOn("q");
  with_next.first_after = true;
  engine.Apply(
      {Samples("q", {{"i", "1"}}, {{90, 1}}), Event(Firing({{"i", "1"}}, 100, {with_next}))},
      At(1));
  const uint64_t before = engine.stats().row_bytes;
  engine.Apply({Samples("q", {{"i", "1"}}, {{110, 2}})}, At(2));
  EXPECT_GE(engine.stats().row_bytes, before + sizeof(Match));
  engine.Apply({Samples("q", {{"i", "1"}}, {{105, 3}})}, At(3));
  EXPECT_LT(engine.stats().row_bytes, before + 2 * sizeof(Match)) << "counted twice";
  engine.Expire(At(0), At(1000), At(4));
  EXPECT_EQ(engine.stats().row_bytes, 0u);
}

}  // namespace
}  // namespace alertjoin
