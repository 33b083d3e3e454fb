#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rocksdb/db.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "correlator-service/rows/row_database.h"
#include "tests/unit/correlator-service/rows/store_on_fault_disk.h"

namespace alertjoin {

// A row database, and what stands in its files.
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

}  // namespace alertjoin
