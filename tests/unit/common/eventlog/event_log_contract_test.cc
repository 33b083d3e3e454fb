// What every event log keeps to (event_log.h), asked of each of them.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "common/eventlog/rocksdb_event_log.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kAll = SIZE_MAX;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<EventLog>(uint64_t bytes_max)> make;
};

std::unique_ptr<EventLog> MakeRocksdbEventLog(uint64_t bytes_max) {
  RocksdbEventLog::Options options;
  options.folder = "/disk/log";
  options.bytes_max = bytes_max;
  options.env = EnvOver(std::make_shared<FaultDisk>());
  auto log = RocksdbEventLog::Open(options);
  EXPECT_THAT(log, IsOk());
  return *std::move(log);
}

class EventLogContract : public ::testing::TestWithParam<Implementation> {
 protected:
  void MakeLog(uint64_t bytes_max) { log_ = GetParam().make(bytes_max); }
  LogPosition Append(const std::vector<std::string>& records) {
    const auto first = log_->Append(records);
    EXPECT_THAT(first, IsOk());
    return first.value_or(LogPosition());
  }
  absl::Status TryAppend(const std::vector<std::string>& records) {
    return log_->Append(records).status();
  }
  std::vector<std::string> Read(uint64_t from, size_t records_max = kAll, size_t bytes_max = kAll) {
    const auto chunk = log_->Read(LogPosition(from), records_max, bytes_max);
    EXPECT_THAT(chunk, IsOk());
    if (!chunk.ok()) return {};
    EXPECT_EQ(chunk->first, LogPosition(from));
    return chunk->records;
  }

  std::unique_ptr<EventLog> log_ = GetParam().make(1 << 20);
};

TEST_P(EventLogContract, PositionsStartAtOneAndHaveNoHoles) {
  EXPECT_EQ(log_->bounds().first, LogPosition(1));
  EXPECT_EQ(log_->bounds().next, LogPosition(1));
  EXPECT_EQ(Append({"a", "b"}), LogPosition(1));
  EXPECT_EQ(Append({"c"}), LogPosition(3));
  EXPECT_EQ(log_->bounds().next, LogPosition(4));
  EXPECT_THAT(Read(1), ElementsAre("a", "b", "c"));
}

TEST_P(EventLogContract, NotesStayUntilTheyAreSetAnew) {
  EXPECT_EQ(log_->note("epoch"), "");
  ASSERT_THAT(log_->SetNote("epoch", "1"), IsOk());
  ASSERT_THAT(log_->SetNote("id", std::string("\0x", 2)), IsOk());
  ASSERT_THAT(log_->SetNote("epoch", "2"), IsOk());
  Append({"a"});
  ASSERT_THAT(log_->Trim(LogPosition(2)), IsOk());
  EXPECT_EQ(log_->note("epoch"), "2");
  EXPECT_EQ(log_->note("id"), std::string("\0x", 2));
  EXPECT_EQ(log_->note("i"), "");
  EXPECT_EQ(log_->bounds().next, LogPosition(2));
}

TEST_P(EventLogContract, RecordsAreAnyBytes) {
  const std::string bytes("\0\xff\n", 3);
  Append({bytes, "", "c"});
  EXPECT_THAT(Read(1), ElementsAre(bytes, "", "c"));
}

TEST_P(EventLogContract, ReadStartsWhereAskedAndEndsEmpty) {
  Append({"a", "b", "c"});
  EXPECT_THAT(Read(2), ElementsAre("b", "c"));
  EXPECT_THAT(Read(4), IsEmpty());
  EXPECT_THAT(Read(1, 0), IsEmpty());
}

TEST_P(EventLogContract, ReadStopsAtEitherLimit) {
  Append({"aa", "bb", "cc"});
  EXPECT_THAT(Read(1, 2), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 4), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 5), ElementsAre("aa", "bb"));
  EXPECT_THAT(Read(1, kAll, 6), ElementsAre("aa", "bb", "cc"));
}

TEST_P(EventLogContract, ReadGivesOneRecordEvenBeyondTheByteLimit) {
  Append({"a long record", "b"});
  EXPECT_THAT(Read(1, kAll, 1), ElementsAre("a long record"));
  EXPECT_THAT(Read(1, kAll, 0), ElementsAre("a long record"));
}

TEST_P(EventLogContract, ReadOutsideTheLogIsOutOfRange) {
  Append({"a", "b", "c"});
  EXPECT_THAT(log_->Read(LogPosition(5), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_->Read(LogPosition(0), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(log_->Trim(LogPosition(3)), IsOk());
  EXPECT_THAT(log_->Read(LogPosition(2), 1, 1), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Read(3), ElementsAre("c"));
}

TEST_P(EventLogContract, BoundsCountBytesAndRecords) {
  Append({"a", "bcd"});
  EXPECT_EQ(log_->bounds().bytes, 4 + 2 * EventLog::kRecordOverheadBytes);
  EXPECT_THAT(log_->Trim(LogPosition(2)), IsOk());
  EXPECT_EQ(log_->bounds().bytes, 3 + EventLog::kRecordOverheadBytes);
}

TEST_P(EventLogContract, TrimForgetsWhatLiesBeforeAndKeepsPositions) {
  Append({"a", "b", "c"});
  EXPECT_THAT(log_->Trim(LogPosition(3)), IsOk());
  EXPECT_EQ(log_->bounds().first, LogPosition(3));
  EXPECT_THAT(log_->Trim(LogPosition(2)), IsOk());
  EXPECT_THAT(log_->Trim(LogPosition(3)), IsOk());
  EXPECT_EQ(log_->bounds().first, LogPosition(3));
  EXPECT_THAT(log_->Trim(LogPosition(4)), IsOk());
  EXPECT_EQ(log_->bounds().bytes, 0U);
  EXPECT_EQ(Append({"d"}), LogPosition(4));
  EXPECT_THAT(Read(4), ElementsAre("d"));
}

TEST_P(EventLogContract, TrimBeyondTheEndChangesNothing) {
  Append({"a"});
  EXPECT_THAT(log_->Trim(LogPosition(3)), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Read(1), ElementsAre("a"));
}

TEST_P(EventLogContract, FullLogTakesAllOrNothingAndRoomComesBackByTrimming) {
  MakeLog(3 * (EventLog::kRecordOverheadBytes + 1));
  EXPECT_THAT(TryAppend({"a", "b"}), IsOk());
  const absl::Status refused = TryAppend({"c", "d"});
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, "do not fit"));
  EXPECT_EQ(DetailOf(refused)->reason, "LOG_FULL");
  EXPECT_EQ(log_->bounds().next, LogPosition(3));
  EXPECT_THAT(TryAppend({"c"}), IsOk());
  EXPECT_THAT(TryAppend({""}), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(log_->Trim(LogPosition(2)), IsOk());
  EXPECT_THAT(TryAppend({"d"}), IsOk());
  EXPECT_THAT(Read(2), ElementsAre("b", "c", "d"));
}

TEST_P(EventLogContract, EachHasAnIdOfItsOwn) {
  const std::string id = log_->id();
  EXPECT_FALSE(id.empty());
  MakeLog(1);
  EXPECT_NE(log_->id(), id);
}

TEST_P(EventLogContract, ConcurrentAppendsStayWholeAndInOrder) {
  constexpr int kAppends = 200;
  std::vector<std::thread> writers;
  for (const char name : {'a', 'b', 'c'}) {
    writers.emplace_back([this, name] {
      for (int i = 0; i < kAppends; ++i) {
        const std::string record = name + std::to_string(i);
        const auto first = log_->Append(std::vector<std::string>(2, record));
        ASSERT_THAT(first, IsOk());
        // What has been appended can be read.
        ASSERT_THAT(Read(first->value(), 2), ElementsAre(record, record));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::vector<std::string> records = Read(1);
  ASSERT_EQ(records.size(), 6U * kAppends);
  std::map<char, int> seen;
  for (size_t i = 0; i < records.size(); i += 2) {
    const char name = records[i][0];
    EXPECT_EQ(records[i], name + std::to_string(seen[name]++));
    EXPECT_EQ(records[i + 1], records[i]);
  }
}

TEST_P(EventLogContract, ReadersAndTrimsDoNotDisturbAppends) {
  constexpr uint64_t kRecords = 300;
  std::thread writer([this] {
    for (uint64_t i = 1; i <= kRecords; ++i) Append({std::to_string(i)});
  });
  uint64_t next = 1;
  while (next <= kRecords) {
    for (const std::string& record : Read(next, 7)) EXPECT_EQ(record, std::to_string(next++));
    EXPECT_THAT(log_->Trim(LogPosition(next)), IsOk());
  }
  writer.join();
  EXPECT_EQ(log_->bounds().bytes, 0U);
  EXPECT_EQ(log_->bounds().next, LogPosition(kRecords + 1));
}

INSTANTIATE_TEST_SUITE_P(Logs, EventLogContract,
                         ::testing::Values(Implementation{"Memory",
                                                          [](uint64_t bytes_max) {
                                                            return std::make_unique<MemoryEventLog>(
                                                                bytes_max);
                                                          }},
                                           Implementation{"Rocksdb", MakeRocksdbEventLog}),
                         [](const ::testing::TestParamInfo<Implementation>& tested) {
                           return tested.param.name;
                         });

}  // namespace
}  // namespace alertjoin
