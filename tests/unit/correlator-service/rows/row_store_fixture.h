#pragma once

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/rows/durable_row_store.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/joined_rows.h"

namespace alertjoin {

enum class StoreKind {
  kMemory,
  kDisk,
  kDiskBehindMemory,  // Memory holds one change: all others are read from disk.
};

// What every row store promises.
class RowStoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  void Open(const ChangeLogLimits& limits) { store_ = Make(limits, registry_, "/disk/rows"); }
  std::unique_ptr<RowStore> Make(const ChangeLogLimits& limits, prometheus::Registry& registry,
                                 const std::string& folder) {
    if (GetParam() == StoreKind::kMemory) {
      return std::make_unique<MemoryRowStore>(
          registry, MemoryRowStoreOptions{
                        .store_id = "", .sequence_limits = {}, .change_log_limits = limits});
    }
    RowDatabase::Options options;
    options.folder = folder;
    options.change_log = limits;
    options.env = EnvOver(disk_);
    databases_.push_back(RowDatabase::Open(std::move(options)).value());
    ChangeLogLimits memory_limits = limits;
    if (GetParam() == StoreKind::kDiskBehindMemory) memory_limits.changes_max = 1;
    return std::make_unique<DurableRowStore>(
        registry, *databases_.back(),
        DurableRowStoreOptions{.sequence_limits = {}, .change_log_limits = memory_limits});
  }
  RowStore& store() {
    if (store_ == nullptr) Open({});
    return *store_;
  }
  Sequence Commit(std::vector<JoinedRow> changes, std::vector<Gap> gaps = {}) {
    return store().Commit({.changes = std::move(changes), .gaps = std::move(gaps)}).value();
  }
  // Ids of the rows in the order of listing, read in pages.
  std::vector<RowId> List(RowRange range = {}, size_t rows_per_page = 2) {
    std::vector<RowId> ids;
    for (;;) {
      const RowPage page = store().ReadRows(range, rows_per_page);
      EXPECT_LE(page.rows.size(), rows_per_page);
      for (const SharedRow& row : page.rows) ids.push_back(row->id);
      if (page.end) return ids;
      range.after = PositionOf(*page.rows.back());
    }
  }
  std::vector<RowId> Ids(std::initializer_list<int> ids) {
    std::vector<RowId> row_ids;
    for (const int id : ids) row_ids.push_back(IdOf(id));
    return row_ids;
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  std::shared_ptr<FaultDisk> disk_ = std::make_shared<FaultDisk>();
  std::vector<std::unique_ptr<RowDatabase>> databases_;
  std::unique_ptr<RowStore> store_;
};

inline std::string StoreName(const testing::TestParamInfo<StoreKind>& kind) {
  switch (kind.param) {
    case StoreKind::kMemory:
      return "Memory";
    case StoreKind::kDisk:
      return "Disk";
    case StoreKind::kDiskBehindMemory:
      return "DiskBehindMemory";
  }
  return "";
}
// Stands in every file that has tests of the suite.
inline auto AllStores() {
  return testing::Values(StoreKind::kMemory, StoreKind::kDisk, StoreKind::kDiskBehindMemory);
}

}  // namespace alertjoin
