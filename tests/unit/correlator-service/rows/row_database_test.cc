#include "correlator-service/rows/row_database.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <random>

#include "tests/support/alerts.h"
#include "tests/unit/correlator-service/rows/store_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RowDatabaseTest : public StoreOnFaultDisk {
 protected:
  void SetUp() override { Open(); }
  void Reopen() {
    Close();
    Open();
  }
  void CommitRounds(uint64_t from, uint64_t through) {
    for (uint64_t n = from; n <= through; ++n) ASSERT_THAT(store_->Commit(Round(n)), IsOk());
  }
  static AlertReport ReportOf(const std::string& source, const std::string& fingerprint,
                              int64_t starts_at_ms) {
    AlertReport report;
    report.source = source;
    report.fingerprint = fingerprint;
    report.starts_at = Timestamp::FromMillis(starts_at_ms);
    report.firing = AlertReport::Side{Row(1).transition, {}};
    return report;
  }
  std::vector<std::string> Reports() {
    std::vector<std::string> names;
    EXPECT_THAT(database_->ForEachReport([&](const AlertReport& report) {
      names.push_back(
          fmt::format("{}/{}/{}", report.source, report.fingerprint, report.starts_at.millis()));
    }),
                IsOk());
    return names;
  }
  // Changes the stored value behind the back of the database.
  void Change(const std::string& family, const std::string& key,
              const std::function<void(std::string&)>& change) {
    OpenRaw(family, [&](rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) {
      std::string value;
      ASSERT_TRUE(db.Get({}, handle, key, &value).ok());
      change(value);
      ASSERT_TRUE(
          (value.empty() ? db.Delete({}, handle, key) : db.Put({}, handle, key, value)).ok());
    });
  }
  void OpenRaw(
      const std::string& family,
      const std::function<void(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle)>& visit) {
    Close();
    const std::shared_ptr<rocksdb::Env> env = EnvOver(disk_);
    rocksdb::DBOptions options;
    options.env = env.get();
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, kFolder, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.push_back({name, {}});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, kFolder, families, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() == family) visit(*db, handle);
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
  }
  uint64_t TableBytes() {
    uint64_t bytes = 0;
    for (const auto& [path, content] : disk_->Files()) {
      if (path.ends_with(".sst") || path.ends_with(".log")) bytes += content.size();
    }
    return bytes;
  }
};

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

TEST_F(RowDatabaseTest, DamagedAlertIsRefusedWithItsKey) {
  ASSERT_THAT(store_->Commit({.alerts = {MakeAlert({})}}), IsOk());
  Change("alerts", RowKey(IdOf(1)), [](std::string& value) { value.pop_back(); });
  Open();
  EXPECT_THAT(database_->ForEachAlert([](RowId, Sequence) { FAIL(); }),
              StatusIs(absl::StatusCode::kDataLoss, "alert 00000001"));
}

TEST_F(RowDatabaseTest, SecondProcessIsRefusedWithTheFolder) {
  RowDatabase::Options options;
  options.folder = kFolder;
  options.env = EnvOver(disk_);
  const auto second = RowDatabase::Open(options);
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, kFolder));
  EXPECT_EQ(ReasonOf(second.status()), "ROWS_IN_USE");
  Commit({Row(1)});
}

TEST_F(RowDatabaseTest, UnknownFormatIsRefusedAndLeftAlone) {
  Commit({Row(1)});
  Change("default", "format", [](std::string& value) { value[0] = 9; });
  const auto files = disk_->Files();
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "format version 9"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, kFolder));
  EXPECT_EQ(ReasonOf(status), "ROWS_FORMAT_UNKNOWN");
}

TEST_F(RowDatabaseTest, DamagedRowIsRefusedWithItsKey) {
  Commit({Row(1), Row(2)});
  const std::string key = RowKey(IdOf(2));
  Change("rows", key, [](std::string& value) { value.resize(value.size() / 2); });
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, "row 00000002"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, kFolder));
  EXPECT_EQ(ReasonOf(status), "ROWS_DAMAGED");
  Change("rows", key, [](std::string& value) { value[0] = 3; });
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kFailedPrecondition, "row 00000002"));
}

TEST_F(RowDatabaseTest, RowUnderTheKeyOfAnotherIsRefused) {
  Commit({Row(1), Row(2)});
  std::string other;
  Change("rows", RowKey(IdOf(1)), [&other](std::string& value) { other = value; });
  Change("rows", RowKey(IdOf(2)), [&other](std::string& value) { value = other; });
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kDataLoss, "it is another row"));
}

TEST_F(RowDatabaseTest, DamagedReportIsRefusedWithItsKey) {
  const AlertReport report = ReportOf("a", "f", 0);
  ASSERT_THAT(store_->Commit({.reports = {report}}), IsOk());
  Change("reports", ReportKey(report), [](std::string& value) { value.resize(3); });
  Open();
  EXPECT_THAT(database_->ForEachReport([](const AlertReport&) { FAIL(); }),
              StatusIs(absl::StatusCode::kDataLoss, "report 0000000000000001"));
}

TEST_F(RowDatabaseTest, DamagedChangeSetIsRefusedWhenItIsRead) {
  for (int id = 1; id <= 3; ++id) Commit({Row(id)});
  Change("changes", SequenceKey(Sequence(2)), [](std::string& value) { value.resize(40); });
  Open();
  EXPECT_THAT(database_->ReadChanges(Sequence(0), Sequence(3), 10, SIZE_MAX),
              StatusIs(absl::StatusCode::kDataLoss, "change set 2"));
  EXPECT_EQ(ReadFromDisk(Sequence(2)).size(), 1U);
}

TEST_F(RowDatabaseTest, HoleInTheChangeLogIsRefused) {
  for (int id = 1; id <= 3; ++id) Commit({Row(id)});
  const auto files = [this] {
    Close();
    return disk_->Files();
  }();
  for (const uint64_t missing : {1u, 3u}) {
    StartWith(files);
    Change("changes", SequenceKey(Sequence(missing)), [](std::string& value) { value.clear(); });
    EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kDataLoss,
                                    fmt::format("change set {}: damaged: it is missing", missing)));
  }
  StartWith(files);
  Change("changes", SequenceKey(Sequence(2)), [](std::string& value) { value.clear(); });
  Open();
  EXPECT_THAT(database_->ReadChanges(Sequence(0), Sequence(3), 10, SIZE_MAX),
              StatusIs(absl::StatusCode::kDataLoss, "change set 2: damaged: it is missing"));
}

TEST_F(RowDatabaseTest, MissingMetaIsDamageAndNotANewDatabase) {
  Commit({Row(1)});
  Change("default", "format", [](std::string& value) { value.clear(); });
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kDataLoss, "there are rows"));
}

TEST_F(RowDatabaseTest, TablesWithoutCurrentAreDamageAndNotANewDatabase) {
  Commit({Row(1)});
  Reopen();  // Recovery moves it to a table.
  Close();
  disk_->Remove(std::string(kFolder) + "/CURRENT");
  const auto files = disk_->Files();
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, "CURRENT"));
  EXPECT_EQ(ReasonOf(status), "ROWS_DAMAGED");
  EXPECT_EQ(disk_->Files(), files);
}

TEST_F(RowDatabaseTest, DamagedTableIsFoundWhenItIsRead) {
  for (int id = 1; id <= 50; ++id) Commit({Row(id)});
  Reopen();
  Close();
  for (const std::string& path : disk_->PathsOf(".sst")) {
    std::string content = disk_->ContentOf(path);
    content[40] = static_cast<char>(content[40] ^ 1);
    disk_->SetContent(path, content);
  }
  const absl::Status status = TryOpen();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, kFolder));
  EXPECT_EQ(ReasonOf(status), "ROWS_DAMAGED");
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

}  // namespace
}  // namespace alertjoin
