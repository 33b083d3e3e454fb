#include "correlator-service/pipeline/sample_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "common/eventlog/memory_event_log.h"
#include "tests/support/join_events.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SampleReaderTest : public ::testing::Test {
 protected:
  LogPosition Append(std::vector<Event> events, std::vector<Event> carried = {}) {
    Round round;
    round.time = At(++now_);
    round.events = std::move(events);
    round.carried = std::move(carried);
    return rounds_->Append(round).value();
  }
  // As after a restart of the process.
  void OpenAnew() {
    rounds_ = std::make_unique<RoundLog>(log_, kSmallSegments);
    ASSERT_THAT(rounds_->Replay([](LogPosition, Round&&) { return absl::OkStatus(); }), IsOk());
    reader_ = std::make_unique<SampleReader>(*rounds_);
  }
  // "q{i="1"} 10 1.5", and "gap".
  std::vector<std::string> ReadAt(LogPosition position) {
    SampleReader::Hold hold;
    for (int turns = 0; turns < 1000; ++turns) {
      const auto round = reader_->Read(position, hold);
      EXPECT_THAT(round, IsOk());
      if (!round.ok()) return {"error"};
      if (*round == nullptr) continue;
      EXPECT_EQ((*round)->position, position);
      return Texts(**round);
    }
    return {"no end"};
  }
  static std::vector<std::string> Texts(const SampleRound& round) {
    std::vector<std::string> texts;
    size_t samples = 0;
    for (const SampleBatch& batch : round.batches) {
      for (size_t i = 0; i < batch.size(); ++i) {
        const SeriesKey& key = *batch.series[batch.series_index[i]];
        texts.push_back(fmt::format("{}{} {} {}", key.query->name, ToString(key.labels),
                                    batch.times[i].millis(), batch.values[i]));
      }
      samples += batch.size();
    }
    EXPECT_EQ(round.samples, samples);
    for (size_t i = 0; i < round.gaps.size(); ++i) texts.push_back("gap");
    return texts;
  }
  static SampleBatch One(int series, int64_t time) {
    return Samples("q", LabelSet{{"i", std::to_string(series)}}, {{time, 0.5}});
  }
  static std::string TextOf(int series, int64_t time) {
    return fmt::format("q{{i=\"{}\"}} {} 0.5", series, time);
  }

  static constexpr RoundLogOptions kSmallSegments{.segment_age = Millis(7)};

  MemoryEventLog log_{64 << 20};
  std::unique_ptr<RoundLog> rounds_ = std::make_unique<RoundLog>(log_, kSmallSegments);
  std::unique_ptr<SampleReader> reader_ = std::make_unique<SampleReader>(*rounds_);
  int64_t now_ = 0;
};

TEST_F(SampleReaderTest, GivesSamplesAndGapsAndNothingElse) {
  const LogPosition at = Append({One(1, 10), Firing({{"i", "1"}}, 5, {BindOn("q")}),
                                 Gap{"prom", {}, {}, {}, "lost", false}, One(2, 11)});
  EXPECT_THAT(ReadAt(at), ElementsAre(TextOf(1, 10), TextOf(2, 11), "gap"));
  EXPECT_THAT(ReadAt(Append({Covered("q", 1, 2)})), IsEmpty());
}

TEST_F(SampleReaderTest, WhatIsCarriedOverIsLeftOutButDefinesItsSeries) {
  const LogPosition first = Append({}, {One(1, 10)});
  const LogPosition second = Append({One(1, 11)});
  EXPECT_THAT(ReadAt(second), ElementsAre(TextOf(1, 11)));
  EXPECT_THAT(ReadAt(first), IsEmpty());
  OpenAnew();  // And in the other order.
  EXPECT_THAT(ReadAt(first), IsEmpty());
  EXPECT_THAT(ReadAt(second), ElementsAre(TextOf(1, 11)));
}

TEST_F(SampleReaderTest, AnyPlaceInAnyOrderGivesTheSameAlsoAfterARestart) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<std::string> expected(1);  // Positions start at 1.
  for (int i = 0; i < 200; ++i) {
    if (i == 100) OpenAnew();
    const int series = static_cast<int>(random() % 30);
    Append({One(series, i)});
    expected.push_back(TextOf(series, i));
  }
  for (int reads = 0; reads < 400; ++reads) {
    if (reads % 100 == 50) OpenAnew();
    const size_t at = 1 + random() % 200;
    EXPECT_THAT(ReadAt(LogPosition(at)), ElementsAre(expected[at])) << at;
  }
}

TEST_F(SampleReaderTest, WhatWasTrimmedIsOutOfRangeAndTheRestIsWhole) {
  for (int i = 0; i < 50; ++i) Append({One(i % 5, i)});
  const LogPosition begin = *rounds_->SegmentOf(LogPosition(30));
  ASSERT_THAT(ReadAt(LogPosition(30)), ElementsAre(TextOf(29 % 5, 29)));
  ASSERT_THAT(rounds_->Trim(begin), IsOk());
  SampleReader::Hold hold;
  EXPECT_THAT(reader_->Read(LogPosition(begin.value() - 1), hold),
              StatusIs(absl::StatusCode::kOutOfRange));
  OpenAnew();
  for (uint64_t at = begin.value(); at <= 50; ++at) {
    const int i = static_cast<int>(at) - 1;
    EXPECT_THAT(ReadAt(LogPosition(at)), ElementsAre(TextOf(i % 5, i)));
  }
}

TEST_F(SampleReaderTest, ManyReadAlongWithTheOneWhoAppends) {
  constexpr int kRounds = 300;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([this] {
      for (LogPosition at(1); at.value() <= kRounds;) {
        if (at >= rounds_->end()) {
          std::this_thread::yield();
          continue;
        }
        const int i = static_cast<int>(at.value()) - 1;
        EXPECT_THAT(ReadAt(at), ElementsAre(TextOf(i % 40, i)));
        at = at.Next();
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) Append({One(i % 40, i)});
  for (std::thread& reader : readers) reader.join();
}

TEST_F(SampleReaderTest, OneReaderServesAllWhoReadAtTheSameTime) {
  SampleReaders readers(*rounds_);
  auto first = readers.Open();
  EXPECT_EQ(readers.Open(), first);
  const std::weak_ptr<SampleReader> gone = first;
  first.reset();
  EXPECT_TRUE(gone.expired());
  EXPECT_NE(readers.Open(), nullptr);
}

// What a reader holds is there when it comes back, however many others have read elsewhere; what
// nobody holds is forgotten behind the last few.
TEST_F(SampleReaderTest, ASegmentIsKnownAsLongAsSomebodyHoldsIt) {
  std::vector<LogPosition> begins;
  for (int i = 0; i < 80; ++i) {
    const LogPosition at = Append({One(1, i)});
    if (rounds_->SegmentOf(at) == at) begins.push_back(at);
  }
  ASSERT_GT(begins.size(), 2 * SampleReader::kSegmentsMax);
  std::vector<SampleReader::Hold> holds(begins.size());
  std::vector<std::weak_ptr<const void>> segments;
  for (size_t i = 0; i < begins.size(); ++i) {
    ASSERT_THAT(reader_->Read(begins[i], holds[i]), IsOk());
    segments.push_back(holds[i]);
  }
  for (size_t i = 0; i < begins.size(); ++i) {
    SampleReader::Hold again;
    ASSERT_THAT(reader_->Read(begins[i], again), IsOk());
    EXPECT_EQ(again, holds[i]) << i;
  }
  holds.clear();
  for (size_t i = 0; i < begins.size(); ++i) {
    EXPECT_EQ(segments[i].expired(), i + SampleReader::kSegmentsMax < begins.size()) << i;
  }
}

TEST_F(SampleReaderTest, ARoundIsDecodedOnceForAll) {
  const LogPosition at = Append({One(1, 10)});
  SampleReader::Hold hold, other;
  EXPECT_EQ(*reader_->Read(at, hold), *reader_->Read(at, other));
  EXPECT_EQ(hold, other);
}

}  // namespace
}  // namespace alertjoin
