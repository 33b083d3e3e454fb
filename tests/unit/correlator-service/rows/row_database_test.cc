#include "correlator-service/rows/row_database.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "tests/support/alerts.h"
#include "tests/unit/correlator-service/rows/row_database_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(RowDatabaseTest, NewDatabaseIsEmpty) {
  EXPECT_EQ(database_->store_id().size(), 32U);
  EXPECT_EQ(database_->log_id(), "");
  EXPECT_EQ(database_->applied(), LogPosition(0));
  EXPECT_EQ(database_->newest(), Sequence(0));
  EXPECT_EQ(database_->floor(), Sequence(0));
  EXPECT_THAT(Reports(), IsEmpty());
  EXPECT_THAT(ReadFromDisk(Sequence(0)), IsEmpty());
}

TEST_F(RowDatabaseTest, DatabasesHaveIdentitiesOfTheirOwn) {
  const std::string id = database_->store_id();
  Reopen();
  EXPECT_EQ(database_->store_id(), id);
  StartWith({});
  Open();
  EXPECT_NE(database_->store_id(), id);
}

TEST_F(RowDatabaseTest, ReopenedItHasEverythingThoughNothingWasSynced) {
  CommitRounds(1, 40);
  const std::string before = Dump();
  EXPECT_THAT(before, HasSubstr("applied 40 "));
  EXPECT_THAT(before, HasSubstr("\nreport am|f1"));
  EXPECT_THAT(before, HasSubstr("\nrow "));
  Reopen();
  EXPECT_EQ(Dump(), before);
  KillProcess();
  Open();
  EXPECT_EQ(Dump(), before);
}

TEST_F(RowDatabaseTest, ReopenedItGoesOnAsIfNothingHadBeen) {
  CommitRounds(1, 40);
  const std::string expected = Dump();
  StartWith({});
  Open();
  for (uint64_t n = 1; n <= 40; ++n) {
    CommitRounds(n, n);
    Reopen();
  }
  EXPECT_EQ(Dump(), expected);
}

TEST_F(RowDatabaseTest, CommitOfNothingStillAdvancesThePosition) {
  ASSERT_THAT(store_->Commit({.applied = LogPosition(7)}), IsOk());
  EXPECT_EQ(database_->applied(), LogPosition(7));
  ASSERT_THAT(store_->Commit({}), IsOk());
  Reopen();
  EXPECT_EQ(database_->applied(), LogPosition(7));
  EXPECT_EQ(database_->newest(), Sequence(0));
}

TEST_F(RowDatabaseTest, LogIdIsDurableAtOnce) {
  ASSERT_THAT(database_->SetLogId("log-1"), IsOk());
  EXPECT_EQ(database_->log_id(), "log-1");
  LosePower();
  Open();
  EXPECT_EQ(database_->log_id(), "log-1");
}

TEST_F(RowDatabaseTest, ANewStoreIdIsDurableAtOnceAndNothingElseChanges) {
  CommitRounds(1, 40);
  const std::string id = database_->store_id();
  const std::string before = Dump();
  ASSERT_THAT(database_->RenewStoreId(), IsOk());
  const std::string renewed = database_->store_id();
  EXPECT_NE(renewed, id);
  EXPECT_EQ(renewed.size(), id.size());
  LosePower();
  Open();
  EXPECT_EQ(database_->store_id(), renewed);
  EXPECT_EQ(Dump(), before);
}

TEST_F(RowDatabaseTest, ReportsOfAnAlertAreAdjacentAndByStart) {
  ASSERT_THAT(store_->Commit({.reports = {ReportOf("b", "f", 1), ReportOf("ab", "c", 5),
                                          ReportOf("a", "bc", 300), ReportOf("a", "bc", -2),
                                          ReportOf("a", "bc", 2), ReportOf("a", "f", 0)}}),
              IsOk());
  EXPECT_THAT(Reports(), ElementsAre("a/f/0", "a/bc/-2", "a/bc/2", "a/bc/300", "b/f/1", "ab/c/5"));
}

TEST_F(RowDatabaseTest, ReportThatIsGoneIsRemovedAndANewOneReplaces) {
  AlertReport report = ReportOf("a", "f", 0);
  ASSERT_THAT(store_->Commit({.reports = {report, ReportOf("a", "f", 1)}}), IsOk());
  report.ends_at = kRowsNow;
  ASSERT_THAT(store_->Commit({.reports = {report}}), IsOk());
  EXPECT_THAT(database_->ForEachReport([&](const AlertReport& found) {
    EXPECT_EQ(found.ends_at.has_value(), found.starts_at == report.starts_at);
  }),
              IsOk());
  report.firing.reset();
  ASSERT_THAT(store_->Commit({.reports = {report}}), IsOk());
  EXPECT_THAT(Reports(), ElementsAre("a/f/1"));
}

TEST_F(RowDatabaseTest, ChangesAreReadUpToTheGivenSequenceAndLimits) {
  for (int id = 1; id <= 5; ++id) Commit({Row(id), Row(id + 10)});
  const auto sets = [this](uint64_t after, uint64_t through, size_t changes, size_t bytes) {
    const auto read = database_->ReadChanges(Sequence(after), Sequence(through), changes, bytes);
    EXPECT_THAT(read, IsOk());
    EXPECT_EQ(read->newest, Sequence(through));
    std::vector<uint64_t> sequences;
    for (const SharedChangeSet& set : read->sets) sequences.push_back(set->sequence.value());
    return sequences;
  };
  EXPECT_THAT(sets(0, 5, 100, SIZE_MAX), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(sets(1, 3, 100, SIZE_MAX), ElementsAre(2, 3));
  EXPECT_THAT(sets(3, 3, 100, SIZE_MAX), IsEmpty());
  EXPECT_THAT(sets(0, 5, 5, SIZE_MAX), ElementsAre(1, 2));
  EXPECT_THAT(sets(0, 5, 1, SIZE_MAX), ElementsAre(1));
  EXPECT_THAT(sets(0, 5, 100, 1), ElementsAre(1));
}

TEST_F(RowDatabaseTest, ChangeLogKeepsWithinItsCountInSteps) {
  disk_log_limits_ = {32, size_t{1} << 30};
  Reopen();
  for (int i = 1; i <= 100; ++i) {
    const Sequence floor = database_->floor();
    Commit({Row(i % 7, static_cast<uint64_t>(i))});
    EXPECT_LE(database_->change_log_size().changes, 32U);
    EXPECT_GE(database_->change_log_size().changes, std::min(i, 30));
    if (database_->floor() != floor) {
      EXPECT_GE(database_->floor().value(), floor.value() + 3);
    }
    EXPECT_EQ(ReadFromDisk(database_->floor()).size(), database_->change_log_size().changes);
  }
  const Sequence floor = database_->floor();
  EXPECT_THAT(database_->ReadChanges(Sequence(floor.value() - 1), floor, 1, 1),
              StatusIs(absl::StatusCode::kOutOfRange, fmt::format("back to {}", floor.value())));
  const std::string before = Dump();
  Reopen();
  EXPECT_EQ(Dump(), before);
}

// A reader who is furthest behind meets a trim between the moment when its change sets are gone and
// the return of the write: it must be told so, and not that the store is damaged.
TEST_F(RowDatabaseTest, WhatATrimTakesFromAReaderIsOutOfRangeAtOnce) {
  disk_log_limits_ = {32, size_t{1} << 30};
  write_buffer_bytes_ = 1;  // Each write syncs what it has written.
  Reopen();
  Sequence floor;  // Before the write.
  int trims = 0;
  disk_->SetHook([&, writer = RocksdbsOwn()](const FileOperation& operation) {
    const bool is_of_the_write =
        operation.IsSync() && operation.IsWal() && !writer.IsWalSync(operation);
    if (!is_of_the_write) return rocksdb::IOStatus::OK();
    const auto read = database_->ReadChanges(floor, database_->newest(), SIZE_MAX, SIZE_MAX);
    if (read.ok()) {
      EXPECT_EQ(read->sets.size(), database_->newest().value() - floor.value());
    } else {
      ++trims;
      EXPECT_THAT(read, StatusIs(absl::StatusCode::kOutOfRange, "reaches back to"));
    }
    return rocksdb::IOStatus::OK();
  });
  for (int i = 1; i <= 100; ++i) {
    floor = database_->floor();
    Commit({Row(i % 7, static_cast<uint64_t>(i))});
  }
  EXPECT_GT(trims, 10);
  disk_->SetHook({});
}

TEST_F(RowDatabaseTest, ChangeLogKeepsWithinItsBytes) {
  disk_log_limits_ = {1'000'000, 20'000};
  Reopen();
  for (uint64_t i = 1; i <= 100; ++i) {
    Commit({Row(1, i)});
    EXPECT_LE(database_->change_log_size().bytes, 20'000U);
  }
  EXPECT_GT(database_->change_log_size().bytes, 15'000U);
  const uint64_t newest = database_->newest().value();
  EXPECT_EQ(ReadFromDisk(database_->floor()).size(), newest - database_->floor().value());
  disk_log_limits_.bytes_max = 1;
  Reopen();
  Commit({Row(1, 101), Row(2)});
  EXPECT_EQ(database_->floor(), Sequence(newest));
  EXPECT_EQ(database_->change_log_size().changes, 2U);
}

TEST_F(RowDatabaseTest, DiskOfATrimmedLogIsBounded) {
  write_buffer_bytes_ = 64 << 10;
  disk_log_limits_ = {100, size_t{1} << 30};
  Reopen();
  std::mt19937_64 random(1);
  uint64_t most = 0;
  // 16 MB in change sets of 2 KB that cannot be compressed.
  for (uint64_t i = 1; i <= 8000; ++i) {
    std::string noise(2000, ' ');
    for (char& c : noise) c = static_cast<char>(random() & 0x7f);
    RowSpec spec;
    spec.id = static_cast<int>(i % 10);
    spec.revision = i;
    spec.labels = {{"noise", noise}};
    Commit({MakeRow(spec)});
    if (i % 200 == 0) most = std::max(most, TableBytes());
  }
  EXPECT_LT(most, 2'000'000U);
}

TEST_F(RowDatabaseTest, AlertsHaveTheSequencesOfTheirLastChanges) {
  const auto sequences = [this] {
    std::map<RowId, uint64_t> found;
    EXPECT_THAT(database_->ForEachAlert(
                    [&found](RowId id, Sequence sequence) { found[id] = sequence.value(); }),
                IsOk());
    return found;
  };
  AlertSpec spec;
  AlertSpec other;
  other.id = 2;
  ASSERT_THAT(store_->Commit({.alerts = {MakeAlert(spec), MakeAlert(other)}}), IsOk());
  spec.ends_at = spec.starts_at;
  ASSERT_THAT(store_->Commit({.alerts = {MakeAlert(spec)}}), IsOk());
  Reopen();
  EXPECT_EQ(sequences(), (std::map<RowId, uint64_t>{{IdOf(1), 2}, {IdOf(2), 1}}));
}

TEST_F(RowDatabaseTest, DatabaseFromBeforeAlertsHadSequencesOpens) {
  ASSERT_THAT(store_->Commit({.changes = {MakeRow({})}, .alerts = {MakeAlert({})}}), IsOk());
  OpenRaw("alerts", [](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) {
    ASSERT_TRUE(db.DropColumnFamily(handle).ok());
  });
  Open();
  EXPECT_THAT(database_->ForEachAlert([](RowId, Sequence) { FAIL(); }), IsOk());
  EXPECT_EQ(database_->newest(), Sequence(1));
  EXPECT_NE(store_->Find(IdOf(1)), nullptr);
}

TEST_F(RowDatabaseTest, RawPayloadsStayInOrderOfTimeUntilTheirHorizon) {
  Open();
  const auto write = [&](uint64_t position, std::vector<RawPayload> payloads,
                         std::optional<Timestamp> horizon) {
    ASSERT_THAT(store_->Commit({.raw_payloads = std::move(payloads),
                                .row_horizon = horizon,
                                .applied = LogPosition(position)}),
                IsOk());
  };
  const auto read = [&] {
    std::vector<std::string> bodies;
    EXPECT_THAT(database_->ForEachRawPayload([&](const RawPayload& payload) {
      bodies.push_back(payload.source + payload.body);
    }),
                IsOk());
    return bodies;
  };
  const std::string odd("\xff\0\n", 3);
  write(1, {{"a", kRowsNow, "late"}, {"a", kRowsNow, odd}}, {});
  write(2, {{"b", Timestamp::FromMillis(-5), "early"}}, {});
  Open();
  EXPECT_EQ(read(), (std::vector<std::string>{"bearly", "alate", "a" + odd}));
  write(3, {}, kRowsNow);
  EXPECT_EQ(read(), (std::vector<std::string>{"alate", "a" + odd}));
  // The same round once more, after a crash.
  write(3, {{"c", kRowsNow, "again"}}, {});
  write(3, {{"c", kRowsNow, "again"}}, {});
  EXPECT_EQ(read().size(), 3u);
}

// Those that are open take descriptors and memory, and payloads stay for as long as rows do.
TEST_F(RowDatabaseTest, TablesOfRawPayloadsAreFewHoweverOftenTheyAreWritten) {
  constexpr uint64_t kWrites = 60;
  for (uint64_t i = 1; i <= kWrites; ++i) {
    const Timestamp received = kRowsNow + Millis(static_cast<int64_t>(i));
    ASSERT_THAT(store_->Commit({.raw_payloads = {{"a", received, fmt::format("body {}", i)}},
                                .applied = LogPosition(i)}),
                IsOk());
    Open();  // All that was written goes to tables.
  }
  const auto tables = [this] {
    return std::ranges::count_if(disk_->Files(),
                                 [](const auto& file) { return file.first.ends_with(".sst"); });
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (tables() > 24 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_LE(tables(), 24);
  uint64_t read = 0;
  EXPECT_THAT(database_->ForEachRawPayload([&](const RawPayload& payload) {
    EXPECT_EQ(payload.body, fmt::format("body {}", ++read));
  }),
              IsOk());
  EXPECT_EQ(read, kWrites);
}

}  // namespace
}  // namespace alertjoin
