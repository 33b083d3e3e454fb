// What a row database says of files that are not as it left them.

#include <gmock/gmock.h>

#include "tests/support/alerts.h"
#include "tests/unit/correlator-service/rows/row_database_fixture.h"

namespace alertjoin {
namespace {

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

}  // namespace
}  // namespace alertjoin
