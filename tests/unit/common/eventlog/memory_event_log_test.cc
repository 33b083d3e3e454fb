#include "common/eventlog/memory_event_log.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kAll = SIZE_MAX;

class MemoryEventLogTest : public ::testing::Test {
 protected:
  LogPosition Append(const std::vector<std::string>& records) {
    const auto first = log_.Append(records);
    EXPECT_THAT(first, IsOk());
    return first.value_or(LogPosition());
  }
  std::vector<std::string> Read(uint64_t from, size_t records_max = kAll, size_t bytes_max = kAll) {
    const auto chunk = log_.Read(LogPosition(from), records_max, bytes_max);
    EXPECT_THAT(chunk, IsOk());
    if (!chunk.ok()) return {};
    EXPECT_EQ(chunk->first, LogPosition(from));
    return chunk->records;
  }

  MemoryEventLog log_{1 << 20};
};

TEST_F(MemoryEventLogTest, PositionsStartAtOneAndHaveNoHoles) {
  EXPECT_EQ(log_.bounds().first, LogPosition(1));
  EXPECT_EQ(log_.bounds().next, LogPosition(1));
  EXPECT_EQ(Append({"a", "b"}), LogPosition(1));
  EXPECT_EQ(Append({"c"}), LogPosition(3));
  EXPECT_EQ(log_.bounds().next, LogPosition(4));
  EXPECT_THAT(Read(1), ElementsAre("a", "b", "c"));
}

TEST_F(MemoryEventLogTest, ReadStartsWhereAskedAndEndsEmpty) {
  Append({"a", "b", "c"});
  EXPECT_THAT(Read(2), ElementsAre("b", "c"));
  EXPECT_THAT(Read(4), IsEmpty());
}

TEST_F(MemoryEventLogTest, ReadStopsAtEitherLimit) {
  Append({"aa", "bb", "cc"});
  EXPECT_THAT(Read(1, 2), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 4), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 5), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 6), ElementsAre("aa", "bb", "cc"));
}

TEST_F(MemoryEventLogTest, ReadGivesOneRecordEvenBeyondTheByteLimit) {
  Append({"a long record", "b"});
  EXPECT_THAT(Read(1, kAll, 1), ElementsAre("a long record"));
  EXPECT_THAT(Read(1, kAll, 0), ElementsAre("a long record"));
}

TEST_F(MemoryEventLogTest, ReadOutsideTheLogIsOutOfRange) {
  Append({"a", "b", "c"});
  EXPECT_THAT(log_.Read(LogPosition(5), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_.Read(LogPosition(0), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_.Trim(LogPosition(3)), IsOk());
  EXPECT_THAT(log_.Read(LogPosition(2), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Read(3), ElementsAre("c"));
}

TEST_F(MemoryEventLogTest, TrimForgetsWhatLiesBeforeAndKeepsPositions) {
  Append({"a", "b", "c"});
  EXPECT_THAT(log_.Trim(LogPosition(3)), IsOk());
  EXPECT_EQ(log_.bounds().first, LogPosition(3));
  EXPECT_THAT(log_.Trim(LogPosition(2)), IsOk());
  EXPECT_EQ(log_.bounds().first, LogPosition(3));
  EXPECT_THAT(log_.Trim(LogPosition(4)), IsOk());
  EXPECT_EQ(log_.bounds().bytes, 0U);
  EXPECT_EQ(Append({"d"}), LogPosition(4));
}

TEST_F(MemoryEventLogTest, TrimBeyondTheEndChangesNothing) {
  Append({"a"});
  EXPECT_THAT(log_.Trim(LogPosition(3)), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Read(1), ElementsAre("a"));
}

TEST(MemoryEventLog, FullLogTakesAllOrNothingAndRoomComesBackByTrimming) {
  MemoryEventLog log(3 * (MemoryEventLog::kRecordOverheadBytes + 1));
  EXPECT_THAT(log.Append(std::vector<std::string>{"a", "b"}), IsOk());
  const auto refused = log.Append(std::vector<std::string>{"c", "d"});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "do not fit"));
  EXPECT_EQ(DetailOf(refused.status())->reason, "LOG_FULL");
  EXPECT_EQ(log.bounds().next, LogPosition(3));
  EXPECT_THAT(log.Append(std::vector<std::string>{"c"}), IsOk());
  EXPECT_THAT(log.Append(std::vector<std::string>{""}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(log.Trim(LogPosition(2)), IsOk());
  EXPECT_THAT(log.Append(std::vector<std::string>{"d"}), IsOk());
}

TEST(MemoryEventLog, EachHasAnIdOfItsOwn) {
  EXPECT_NE(MemoryEventLog(1).id(), MemoryEventLog(1).id());
}

TEST(MemoryEventLog, ConcurrentAppendsStayWhole) {
  MemoryEventLog log(1 << 20);
  constexpr int kAppends = 500;
  std::vector<std::thread> writers;
  for (const char name : {'a', 'b'}) {
    writers.emplace_back([&log, name] {
      const std::vector<std::string> pair(2, std::string(1, name));
      for (int i = 0; i < kAppends; ++i) ASSERT_THAT(log.Append(pair), IsOk());
    });
  }
  for (std::thread& writer : writers) writer.join();
  const auto chunk = log.Read(LogPosition(1), kAll, kAll);
  ASSERT_THAT(chunk, IsOk());
  ASSERT_EQ(chunk->records.size(), 4U * kAppends);
  for (size_t i = 0; i < chunk->records.size(); i += 2) {
    EXPECT_EQ(chunk->records[i], chunk->records[i + 1]);
  }
}

}  // namespace
}  // namespace alertjoin
