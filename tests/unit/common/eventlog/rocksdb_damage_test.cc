// Damage is refused with its place, when the log is opened or when the record is read, and never
// shortens the log without a word.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/eventlog/log_database.h"
#include "common/eventlog/stored_record.h"
#include "tests/unit/common/eventlog/log_on_fault_disk.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RocksdbDamageTest : public LogOnFaultDisk {
 protected:
  using Files = std::map<std::string, std::string>;

  static std::vector<std::string> Appended() {
    return {"record one", "record two", "record three", "record four", "record five"};
  }
  void AppendEach() {
    for (const std::string& record : Appended()) Append({record});
  }
  // The log with its records in the write-ahead log.
  Files FilesWithWal() {
    Open();
    AppendEach();
    Close();
    return disk_->Files();
  }
  // ... and in a table.
  Files FilesWithTable() {
    FilesWithWal();
    Open();
    Close();
    return disk_->Files();
  }
  static std::string PathIn(const Files& files, const std::string& part) {
    for (const auto& [path, bytes] : files) {
      if (path.find(part) != std::string::npos && !bytes.empty()) return path;
    }
    ADD_FAILURE() << "no " << part;
    return "";
  }
  // Opens and reads everything.
  absl::Status TryOpenAndRead(std::vector<std::string>& records) {
    records.clear();
    RETURN_IF_ERROR(TryOpen());
    ASSIGN_OR_RETURN(const auto chunk, log_->Read(log_->bounds().first, kAll, kAll));
    records = chunk.records;
    return absl::OkStatus();
  }
  void ExpectRefused(const std::string& place) {
    std::vector<std::string> records;
    const absl::Status status = TryOpenAndRead(records);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, place));
    EXPECT_EQ(ReasonOf(status), "LOG_DAMAGED");
  }
  // For each byte of `path` with one bit of it flipped: refused with the folder, a file and what to
  // do, or all records are there. The number of those that were refused.
  int FlipEachByte(const Files& files, const std::string& path) {
    int refused = 0;
    const std::string& sound = files.at(path);
    for (size_t at = 0; at < sound.size(); ++at) {
      StartWith(files);
      // Never bit 7: RocksDB reads the properties of a table before their checksum, and Debian's
      // build of it aborts with an assertion when the highest bit of their last number is set.
      disk_->SetContent(path, Flipped(sound, at, at % 7));
      std::vector<std::string> records;
      const absl::Status status = TryOpenAndRead(records);
      if (status.ok()) {
        EXPECT_EQ(records, Appended()) << path << " byte " << at;
        continue;
      }
      ++refused;
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, std::string(kFolder) + "/")) << at;
      EXPECT_THAT(MessageOf(status), HasSubstr("move the folder away"));
    }
    return refused;
  }
  static std::string Flipped(std::string bytes, size_t at, size_t bit) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << bit);
    return bytes;
  }
  // Changes the database behind the log's back.
  void Change(const std::function<void(LogDatabase&)>& change) {
    Close();
    const auto env = EnvOver(disk_);
    const auto database =
        LogDatabase::Open({kFolder, env.get(), 1 << 20, {}, {}}, LogDatabase::Mode::kReadWrite);
    ASSERT_THAT(database, IsOk());
    change(**database);
  }
};

TEST_F(RocksdbDamageTest, FlippedByteInTheWalWithRecordsBehindIsRefused) {
  Open();
  const size_t begin = disk_->ContentOf(WalPath()).size();
  AppendEach();
  const std::string wal_path = WalPath();
  const size_t before_last = disk_->ContentOf(wal_path).size();
  Append({"record six"});
  Close();
  // All but the last write, which nothing follows that tells it from one that was being written.
  const Files files = disk_->Files();
  for (size_t at = begin; at < before_last; ++at) {
    StartWith(files);
    disk_->SetContent(wal_path, Flipped(files.at(wal_path), at, at % 8));
    EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kDataLoss, wal_path)) << at;
    if (at % 8 != 0) continue;
    // Refusing changes nothing.
    EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kDataLoss, wal_path)) << at;
  }
}

TEST_F(RocksdbDamageTest, FlippedByteInTheLastWriteNeverGivesAWrongRecord) {
  Open();
  Append({"record one"});
  const size_t begin = disk_->ContentOf(WalPath()).size();
  Append({"record two"});
  const std::string wal_path = WalPath();
  Close();
  const Files files = disk_->Files();
  size_t taken_for_torn = 0;
  for (size_t at = begin; at < files.at(wal_path).size(); ++at) {
    StartWith(files);
    disk_->SetContent(wal_path, Flipped(files.at(wal_path), at, 7));
    std::vector<std::string> records;
    const absl::Status status = TryOpenAndRead(records);
    if (status.ok()) {
      ++taken_for_torn;
      EXPECT_THAT(records, ElementsAre("record one")) << at;
    } else {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, wal_path)) << at;
    }
  }
  // The two bytes of its length.
  EXPECT_EQ(taken_for_torn, 2U);
}

// More than one block of write-ahead log (32 KiB), and damage that looks like a hole in the file.
TEST_F(RocksdbDamageTest, WipedStretchOfTheWalIsRefused) {
  constexpr size_t kStretchBytes = 512;
  Open();
  const size_t begin = disk_->ContentOf(WalPath()).size();
  for (int i = 0; i < 100; ++i) Append({std::string(1000, 'r') + std::to_string(i)});
  const std::string wal_path = WalPath();
  Close();
  const Files files = disk_->Files();
  for (size_t at = begin; at + 3 * 1024 < files.at(wal_path).size(); at += 2 * kStretchBytes) {
    StartWith(files);
    std::string bytes = files.at(wal_path);
    bytes.replace(at, kStretchBytes, kStretchBytes, '\0');
    disk_->SetContent(wal_path, bytes);
    std::vector<std::string> records;
    EXPECT_THAT(TryOpenAndRead(records), StatusIs(absl::StatusCode::kDataLoss)) << at;
  }
}

TEST_F(RocksdbDamageTest, FlippedByteInATableIsRefusedOrHarmless) {
  const Files files = FilesWithTable();
  const std::string path = PathIn(files, ".sst");
  EXPECT_GT(FlipEachByte(files, path), 250);
}

TEST_F(RocksdbDamageTest, FlippedByteInTheManifestIsRefusedOrHarmless) {
  const Files files = FilesWithTable();
  const std::string path = PathIn(files, "MANIFEST");
  EXPECT_GT(FlipEachByte(files, path), 100);
}

TEST_F(RocksdbDamageTest, MissingFilesAreRefused) {
  const Files in_wal = FilesWithWal();
  const Files in_table = FilesWithTable();
  for (const std::string part : {"CURRENT", ".sst", "MANIFEST"}) {
    SCOPED_TRACE(part);
    StartWith(in_table);
    disk_->Remove(PathIn(in_table, part));
    std::vector<std::string> records;
    EXPECT_FALSE(TryOpenAndRead(records).ok());
  }
  StartWith(in_wal);
  disk_->Remove(PathIn(in_wal, "CURRENT"));
  ExpectRefused("no file CURRENT");
}

TEST_F(RocksdbDamageTest, MissingRecordIsRefusedWithItsPosition) {
  Open();
  AppendEach();
  Change([](LogDatabase& database) {
    EXPECT_TRUE(database.db().Delete({}, database.records(), PositionKey(LogPosition(3))).ok());
  });
  Open();
  const auto chunk = log_->Read(LogPosition(1), kAll, kAll);
  EXPECT_THAT(chunk, StatusIs(absl::StatusCode::kDataLoss, "record 3 is missing"));
  EXPECT_THAT(log_->Read(LogPosition(1), 2, kAll), IsOk());
  EXPECT_THAT(log_->Read(LogPosition(4), kAll, kAll), IsOk());
}

TEST_F(RocksdbDamageTest, MissingFirstRecordIsRefusedAtOnce) {
  Open();
  AppendEach();
  Change([](LogDatabase& database) {
    EXPECT_TRUE(database.db().Delete({}, database.records(), PositionKey(LogPosition(1))).ok());
  });
  ExpectRefused("first record 1 is missing");
}

TEST_F(RocksdbDamageTest, RecordOfAnUnknownFormatIsRefusedByName) {
  Open();
  AppendEach();
  const auto change = [this](uint64_t position) {
    Change([position](LogDatabase& database) {
      std::string value = EncodeStoredRecord(0, "from the future");
      value[0] = 2;
      EXPECT_TRUE(database.db()
                      .Put({}, database.records(), PositionKey(LogPosition(position)), value)
                      .ok());
    });
  };
  change(2);
  Open();
  EXPECT_THAT(
      log_->Read(LogPosition(1), kAll, kAll),
      StatusIs(absl::StatusCode::kFailedPrecondition, "record 2: stored in format version 2"));
  change(5);
  EXPECT_THAT(TryOpen(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                  "record 5: stored in format version 2"));
}

}  // namespace
}  // namespace alertjoin
