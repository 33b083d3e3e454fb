#include "common/eventlog/recovery_check.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/eventlog/stored_record.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr std::string_view kWalSuffix = ".log";
constexpr std::string_view kTableSuffix = ".sst";
constexpr std::string_view kCurrentFile = "CURRENT";
constexpr std::string_view kNotListed = "which the MANIFEST does not list";

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Remembers where recovery dropped something: RocksDB's status does not say which file it was.
class DropLogger final : public rocksdb::Logger {
 public:
  explicit DropLogger(std::string folder) : folder_(std::move(folder)) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[kLineBytesMax];
    std::vsnprintf(line, sizeof(line), format, arguments);
    const std::string_view text(line);
    if (dropped_.empty() && text.find(": dropping ") != std::string_view::npos) {
      // In front of the path are a level and a line of RocksDB's code.
      const size_t path = text.find(folder_);
      dropped_ = text.substr(path == std::string_view::npos ? 0 : path);
    }
  }
  // As RocksDB writes it: "FILE: dropping N bytes; WHY". Empty when nothing was dropped.
  const std::string& dropped() const { return dropped_; }

 private:
  static constexpr size_t kLineBytesMax = 1024;
  const std::string folder_;
  std::string dropped_;
};

// For a folder that RocksDB would take for a new database.
absl::Status CheckEmpty(const LogDatabaseOptions& options, const std::vector<std::string>& files,
                        std::string_view why) {
  for (const std::string& file : files) {
    uint64_t bytes = 1;
    if (file.ends_with(kWalSuffix)) {
      const std::string path = options.folder + "/" + file;
      const rocksdb::Status status = options.env->GetFileSize(path, &bytes);
      if (!status.ok()) return LogDatabase::ErrorOf(options.folder, path, status);
    }
    if (bytes > 0 && (file.ends_with(kWalSuffix) || file.ends_with(kTableSuffix))) {
      return DamagedError(options.folder,
                          fmt::format("there is {}/{} {}", options.folder, file, why));
    }
  }
  return absl::OkStatus();
}

// The last record in a table of the column family of records; 0 when it is another one, or not a
// whole table: it was being written when the process ended.
LogPosition LastIn(rocksdb::Env* env, const std::string& path) {
  rocksdb::Options reader_options;
  reader_options.env = env;
  rocksdb::SstFileReader table(reader_options);
  if (!table.Open(path).ok()) return LogPosition();
  if (table.GetTableProperties()->column_family_name != kRecordsFamily) return LogPosition();
  const std::unique_ptr<rocksdb::Iterator> it(table.NewIterator({}));
  it->SeekToLast();
  if (!it->Valid()) return LogPosition();
  return ParsePositionKey(it->key().ToStringView()).value_or(LogPosition());
}

absl::Status CheckTables(const LogDatabaseOptions& options, LogDatabase& database,
                         const std::vector<std::string>& files, const LogState& state) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  database.db().GetLiveFilesMetaData(&tables);
  std::set<std::string> listed;
  for (const auto& table : tables) listed.insert(table.relative_filename);
  for (const std::string& file : files) {
    if (!file.ends_with(kTableSuffix) || listed.contains(file)) continue;
    const std::string path = options.folder + "/" + file;
    const LogPosition last = LastIn(options.env, path);
    if (last >= state.next) {
      return DamagedError(
          options.folder,
          fmt::format("there is {} with records up to {}, {}: the last one there is {}", path,
                      last.value(), kNotListed, state.next.value() - 1));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDurableMarks(const LogDatabaseOptions& options,
                               const std::vector<std::string>& files, const LogState& state) {
  for (const std::string& file : files) {
    if (!file.ends_with(kWalSuffix)) continue;
    const std::string path = options.folder + "/" + file;
    std::string bytes;
    const rocksdb::Status status = rocksdb::ReadFileToString(options.env, path, &bytes);
    if (!status.ok()) return LogDatabase::ErrorOf(options.folder, path, status);
    const LogPosition durable = FindDurableMark(bytes, state.id);
    if (durable > state.next) {
      return DamagedError(
          options.folder,
          fmt::format("{} says that every record before {} was synced, but the records from {} on "
                      "cannot be read",
                      path, durable.value(), state.next.value()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRecoverable(const LogDatabaseOptions& options) {
  std::vector<std::string> files;
  const rocksdb::Status listed = options.env->GetChildren(options.folder, &files);
  if (!listed.ok()) return LogDatabase::ErrorOf(options.folder, "its folder", listed);
  if (!Contains(files, kCurrentFile)) return CheckEmpty(options, files, "and no file CURRENT");
  rocksdb::DBOptions list_options;
  list_options.env = options.env;
  std::vector<std::string> families;
  const rocksdb::Status status =
      rocksdb::DB::ListColumnFamilies(list_options, options.folder, &families);
  if (!status.ok()) return LogDatabase::ErrorOf(options.folder, "cannot be opened", status);
  if (!Contains(families, kRecordsFamily)) return CheckEmpty(options, files, kNotListed);
  LogDatabaseOptions look_options = options;
  const auto drops = std::make_shared<DropLogger>(options.folder);
  look_options.info_log = drops;
  const auto database = LogDatabase::Open(look_options, LogDatabase::Mode::kReadOnly);
  if (!database.ok() && !drops->dropped().empty()) {
    return DamagedError(options.folder, drops->dropped());
  }
  RETURN_IF_ERROR(database);
  ASSIGN_OR_RETURN(const LogState state, (*database)->Load());
  RETURN_IF_ERROR(CheckTables(options, **database, files, state));
  return CheckDurableMarks(options, files, state);
}

}  // namespace alertjoin
