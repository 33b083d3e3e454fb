#include "correlator-service/pipeline/intake_circle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "correlator-service/pipeline/intake_parts.h"
#include "tests/support/join_events.h"
#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kSmall = 100;
constexpr size_t kPart = IntakeCircle::kPartBytes;
// Of what cannot be divided, and fits into no round with others.
constexpr size_t kHuge = 2 * IntakeCircle::kSharedRoundBytes;

class IntakeCircleTest : public ::testing::Test {
 protected:
  // A batch of one event, the next of its log. True: taken.
  bool Push(const std::string& producer, size_t bytes, const std::string& log = "log") {
    IntakeBatch batch;
    batch.position = {producer, log, 1, ++sequences_[{producer, log}]};
    batch.events = {Firing({{"i", "1"}}, 100, {})};
    batch.bytes = bytes;
    return circle_.TryPush(std::move(batch));
  }
  void PushMany(int times, const std::string& producer, size_t bytes) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(Push(producer, bytes));
  }
  // Who has how many batches in the next round, in its order; checks the order of each log.
  std::vector<std::string> Pop() {
    std::vector<std::string> producers;
    for (const IntakeBatch& batch : circle_.PopRoundBefore({})) {
      const ProducerPosition& at = batch.position;
      const std::pair log(at.producer_id, at.log_id);
      EXPECT_EQ(at.last_sequence, ++popped_[log]);
      producers.push_back(at.producer_id);
    }
    return producers;
  }
  void MakeShared() {
    ASSERT_TRUE(Push("x", kSmall));
    ASSERT_TRUE(Push("y", kSmall));
    ASSERT_EQ(Pop().size(), 2u);
  }

  std::map<std::pair<std::string, std::string>, uint64_t> sequences_;
  std::map<std::pair<std::string, std::string>, uint64_t> popped_;
  ManualClock clock_{Timestamp::FromMillis(0)};
  IntakeCircle circle_{1'000, clock_};
};

TEST_F(IntakeCircleTest, TheBatchOfAnotherIsInTheNextRoundHoweverManyWait) {
  PushMany(200, "flood", kPart);
  ASSERT_TRUE(Push("other", kSmall));
  EXPECT_THAT(Pop(), ElementsAre("flood", "other"));
  ASSERT_TRUE(Push("third", kSmall));
  ASSERT_TRUE(Push("other", kSmall));
  EXPECT_THAT(Pop(), ElementsAre("flood", "third", "other"));
}

TEST_F(IntakeCircleTest, SmallBatchesOfSeveralShareARound) {
  PushMany(200, "a", kSmall);
  PushMany(100, "b", kSmall);
  const std::vector<std::string> round = Pop();
  EXPECT_THAT(std::vector(round.begin(), round.begin() + 4), ElementsAre("a", "b", "a", "b"));
  EXPECT_EQ(round.size(), 300u);
}

TEST_F(IntakeCircleTest, TheOrderOfEachLogIsKept) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Push("a", i % 7 == 0 ? kHuge : kSmall));
    ASSERT_TRUE(Push("b", i % 3 == 0 ? kPart : kSmall));
    ASSERT_TRUE(Push("b", kSmall, "another log"));
  }
  size_t popped = 0;
  while (popped < 600) {
    const size_t round = Pop().size();
    ASSERT_GT(round, 0u);
    popped += round;
  }
  EXPECT_THAT(Pop(), IsEmpty());
  EXPECT_EQ(popped_, sequences_);
}

TEST_F(IntakeCircleTest, RoundsAreSmallWhileThereAreSeveralLogsAndLargeAgainLater) {
  MakeShared();
  PushMany(20, "flood", kPart);
  EXPECT_EQ(Pop().size(), IntakeCircle::kSharedRoundBytes / kPart);
  clock_.Advance(IntakeCircle::kShared);
  EXPECT_EQ(Pop().size(), 20 - IntakeCircle::kSharedRoundBytes / kPart);
}

TEST_F(IntakeCircleTest, RoundsOfSeveralAreLargerWhereAllOfThemTakeLong) {
  using std::chrono::milliseconds;
  const auto log_rounds = [this](size_t rounds, milliseconds took) {
    for (size_t i = 0; i < rounds; ++i) circle_.NoteLogged(took);
  };
  MakeShared();
  PushMany(100, "flood", kPart);
  log_rounds(IntakeCircle::kTimedRounds - 1, milliseconds(5));
  EXPECT_EQ(Pop().size(), IntakeCircle::kSharedRoundBytes / kPart);
  log_rounds(1, milliseconds(5));
  EXPECT_EQ(Pop().size(), 5 * IntakeCircle::kSharedRoundBytesPerMs / kPart);
  // Others are not kept from it by that.
  ASSERT_TRUE(Push("other", kSmall));
  const std::vector<std::string> round = Pop();
  EXPECT_THAT(std::vector(round.begin(), round.begin() + 2), ElementsAre("flood", "other"));
  log_rounds(1, milliseconds(0));
  EXPECT_EQ(Pop().size(), IntakeCircle::kSharedRoundBytes / kPart);
  log_rounds(IntakeCircle::kTimedRounds, milliseconds(10'000));
  EXPECT_EQ(Pop().size(), IntakeCircle::kSharedRoundBytesMax / kPart);
}

TEST_F(IntakeCircleTest, WhatIsSmallDoesNotWaitForTheTurnsOfMany) {
  MakeShared();
  for (int i = 0; i < 10; ++i) PushMany(3, "flood " + std::to_string(i), kPart);
  ASSERT_TRUE(Push("small", IntakeCircle::kSmallBytes));
  EXPECT_THAT(Pop(), ElementsAre("flood 0", "flood 1", "small"));
}

TEST_F(IntakeCircleTest, WhoIsAloneHasRoundsAsLargeAsTheyMayBe) {
  PushMany(200, "alone", kPart);
  EXPECT_EQ(Pop().size(), IntakeCircle::kRoundBytesMax / kPart);
}

TEST_F(IntakeCircleTest, WhatIsHugeAndWhatIsSmallHaveTurns) {
  MakeShared();
  PushMany(10, "huge", kHuge);
  ASSERT_TRUE(Push("huge too", kHuge));
  ASSERT_TRUE(Push("small", kSmall));
  EXPECT_THAT(Pop(), ElementsAre("small"));
  ASSERT_TRUE(Push("small", kSmall));
  EXPECT_THAT(Pop(), ElementsAre("huge", "small"));
  ASSERT_TRUE(Push("small", kSmall));
  EXPECT_THAT(Pop(), ElementsAre("small"));
  // Without small ones none waits for nothing; and they go around, too.
  EXPECT_THAT(Pop(), ElementsAre("huge too"));
  EXPECT_THAT(Pop(), ElementsAre("huge"));
}

TEST_F(IntakeCircleTest, ALargeBatchDoesNotKeepOthersWaiting) {
  MakeShared();
  constexpr size_t kEvents = 100;
  IntakeBatch large;
  large.position = {"large", "log", 1, kEvents};
  large.events.assign(kEvents, Firing({{"i", "1"}}, 100, {}));
  large.bytes = 10 * kPart;
  ASSERT_TRUE(circle_.TryPush(std::move(large)));
  ASSERT_TRUE(Push("small", kSmall));
  size_t bytes = 0;
  std::vector<std::string> producers;
  for (const IntakeBatch& batch : circle_.PopRoundBefore({})) {
    bytes += batch.bytes;
    producers.push_back(batch.position.producer_id);
  }
  EXPECT_THAT(producers, ElementsAre("large", "small"));
  EXPECT_LE(bytes, IntakeCircle::kSharedRoundBytes);
}

TEST_F(IntakeCircleTest, PartsTakeNobodysPlace) {
  MakeShared();
  for (int i = 0; i < 10; ++i) {
    IntakeBatch large;
    large.position = {"large " + std::to_string(i), "log", 1, 0};
    large.events.assign(1'000, Firing({{"i", "1"}}, 100, {}));
    large.bytes = 500 * kPart;
    ASSERT_TRUE(circle_.TryPush(std::move(large)));
  }
  PushMany(500, "small", kSmall);
  PushMany(490, "small too", kSmall);
  EXPECT_FALSE(Push("small", kSmall));
}

// Of a producer that connects again and again each stream starts with all that one may send.
TEST_F(IntakeCircleTest, OfOneLogNoMoreWaitsThanOfOneStream) {
  PushMany(IntakeCircle::kLogBatchesMax, "a", kSmall);
  EXPECT_FALSE(Push("a", kSmall));
  PushMany(IntakeCircle::kLogBatchesMin, "b", IntakeCircle::kLogBytesMax);
  EXPECT_FALSE(Push("b", kSmall));
  PushMany(10, "c", kSmall);
  clock_.Advance(IntakeCircle::kShared);
  Pop();
  EXPECT_TRUE(Push("a", kSmall));
}

TEST_F(IntakeCircleTest, WhereOthersFillItABatchOfAnotherIsTakenAllTheSame) {
  PushMany(500, "a", kSmall);
  PushMany(500, "b", kSmall);
  EXPECT_FALSE(Push("a", kSmall));
  EXPECT_TRUE(Push("c", kSmall));
  EXPECT_FALSE(Push("c", kSmall));
  // But not without end.
  int taken = 0;
  while (Push("log " + std::to_string(taken), kSmall)) ++taken;
  EXPECT_EQ(taken, 999);
  EXPECT_THAT(Pop(), testing::Contains("c"));
}

TEST_F(IntakeCircleTest, HoldsSoManyBytesAndThenOneBatchOfALog) {
  constexpr size_t kMost = IntakeCircle::kLogBytesMax - 1;
  int taken = 0;
  for (size_t bytes = 0; bytes < IntakeCircle::kBytesMax; bytes += kMost, ++taken) {
    ASSERT_TRUE(Push("log " + std::to_string(taken), kMost));
  }
  EXPECT_FALSE(Push("log 0", kSmall));
  EXPECT_TRUE(Push("another", kSmall));
  clock_.Advance(IntakeCircle::kShared);
  EXPECT_EQ(Pop().size(), 1u);
  EXPECT_EQ(Pop().size(), 1u);
  EXPECT_TRUE(Push("log 9", kSmall));
}

TEST_F(IntakeCircleTest, OnceClosedWhatIsLeftIsOverSoon) {
  MakeShared();
  PushMany(100, "flood", kPart);
  circle_.Close();
  EXPECT_EQ(Pop().size(), 100u);
}

TEST_F(IntakeCircleTest, HoldsNoMoreThanItMayAndNothingNewOnceClosed) {
  PushMany(500, "a", 1);
  PushMany(500, "b", 1);
  IntakeBatch refused{{"b", "log", 1, 1}, {Firing({{"i", "1"}}, 100, {})}, 1, nullptr};
  EXPECT_FALSE(circle_.TryPush(std::move(refused)));
  EXPECT_EQ(refused.events.size(), 1u);
  EXPECT_FALSE(circle_.ended());
  EXPECT_EQ(Pop().size(), 1'000u);
  circle_.Close();
  EXPECT_TRUE(circle_.ended());
  EXPECT_FALSE(circle_.TryPush(std::move(refused)));
  EXPECT_EQ(refused.events.size(), 1u);
}

TEST_F(IntakeCircleTest, WhoWaitsIsWokenByABatchAndByTheEnd) {
  const auto far = std::chrono::steady_clock::now() + std::chrono::hours(1);
  std::vector<size_t> rounds;
  std::thread taker([&] {
    do {
      rounds.push_back(circle_.PopRoundBefore(far).size());
    } while (!circle_.ended());
  });
  EXPECT_TRUE(Push("a", kSmall));
  circle_.Close();
  taker.join();
  EXPECT_EQ(rounds.front(), 1u);
}

TEST_F(IntakeCircleTest, ManyAtOnceLoseNothingAndKeepTheOrderOfEachLog) {
  constexpr uint64_t kBatches = 300;
  constexpr size_t kEvents = 4;
  std::vector<std::thread> pushers;
  for (int i = 0; i < 4; ++i) {
    pushers.emplace_back([this, i] {
      for (uint64_t n = 1; n <= kBatches; ++n) {
        IntakeBatch batch;
        batch.position = {std::to_string(i), "log", 1, n * kEvents};
        batch.events.assign(kEvents, Firing({{"i", "1"}}, 100, {}));
        batch.bytes = n % 3 == 0 ? 3 * kPart : kSmall;
        while (!circle_.TryPush(std::move(batch))) std::this_thread::yield();
      }
    });
  }
  std::map<std::string, uint64_t> taken;
  size_t events = 0;
  std::thread taker([&] {
    while (!circle_.ended()) {
      for (const IntakeBatch& batch :
           circle_.PopRoundBefore(std::chrono::steady_clock::now() + std::chrono::hours(1))) {
        events += batch.events.size();
        uint64_t& before = taken[batch.position.producer_id];
        EXPECT_EQ(batch.position.last_sequence, before + batch.events.size());
        before = batch.position.last_sequence;
      }
    }
  });
  for (std::thread& pusher : pushers) pusher.join();
  circle_.Close();
  taker.join();
  EXPECT_EQ(events, 4 * kBatches * kEvents);
}

// All samples in order, as "series@time=value".
std::vector<std::string> SamplesOf(const std::vector<IntakeBatch>& batches) {
  std::vector<std::string> samples;
  for (const IntakeBatch& batch : batches) {
    for (const Event& event : batch.events) {
      const auto* const some = std::get_if<SampleBatch>(&event);
      for (size_t i = 0; some != nullptr && i < some->size(); ++i) {
        samples.push_back(std::to_string(some->series_index[i]) + "@" +
                          std::to_string(some->times[i].millis()) + "=" +
                          std::to_string(some->values[i]));
      }
    }
  }
  return samples;
}

TEST(IntakeParts, TellWhatHasBeenTakenAsAWholeAndAtTheEndThatItIsDurable) {
  SampleBatch samples = Samples("q", {{"i", "1"}}, {{0, 0}});
  for (int i = 1; i < 1'000; ++i) {
    samples.series_index.push_back(0);
    samples.times.push_back(Timestamp::FromMillis(i));
    samples.values.push_back(i / 2.0);
  }
  bool durable = false;
  IntakeBatch batch{{"p", "log", 3, 57}, {}, 50'000, [&] { durable = true; }};
  // The events 55, 56 and 57.
  batch.events = {Firing({{"i", "1"}}, 100, {}), samples, Firing({{"i", "2"}}, 100, {})};
  const std::vector<IntakeBatch> whole = {batch};
  const std::vector<IntakeBatch> parts = Divide(std::move(batch), 10'000);
  ASSERT_GE(parts.size(), 5u);
  ASSERT_LE(parts.size(), 7u);
  size_t bytes = 0, begun = 0, ended = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool is_last = i + 1 == parts.size();
    bytes += parts[i].bytes;
    begun += parts[i].events.size();
    ended += parts[i].events.size() - (parts[i].is_continued ? 1 : 0);
    EXPECT_LE(parts[i].bytes, 10'000u);
    EXPECT_EQ(parts[i].position.last_sequence, 54 + ended) << i;
    EXPECT_EQ(parts[i].position.epoch, 3u);
    EXPECT_EQ(parts[i].durable != nullptr, is_last);
  }
  EXPECT_EQ(ended, 3u);
  EXPECT_GT(begun, 3u);
  EXPECT_NEAR(static_cast<double>(bytes), 50'000, 2'500);
  EXPECT_EQ(SamplesOf(parts), SamplesOf(whole));
  parts.back().durable();
  EXPECT_TRUE(durable);
}

// As of a message that defines many series and has no samples.
TEST(IntakeParts, SamplesOfNoneAreAPart) {
  IntakeBatch batch{{"p", "log", 1, 1}, {SampleBatch()}, 100'000, nullptr};
  const std::vector<IntakeBatch> parts = Divide(std::move(batch), 1'000);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].events.size(), 1u);
  EXPECT_EQ(parts[0].position.last_sequence, 1u);
}

TEST(IntakeParts, WhatCannotBeDividedIsOnePart) {
  IntakeBatch batch{
      {"p", "log", 1, 1}, {RawPayload{"am", Timestamp(), std::string(5'000, 'x')}}, 5'000, nullptr};
  const std::vector<IntakeBatch> parts = Divide(std::move(batch), 100);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].position.last_sequence, 1u);
  EXPECT_FALSE(parts[0].is_continued);
}

}  // namespace
}  // namespace alertjoin
