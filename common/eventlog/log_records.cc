#include "common/eventlog/log_records.h"

#include <fmt/format.h>

#include <memory>
#include <string>

#include "common/eventlog/stored_record.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

std::string Naming(LogPosition position) { return fmt::format("record {}", position.value()); }

absl::StatusOr<StoredRecord> Decode(const LogDatabase& database, LogPosition position,
                                    std::string_view value) {
  auto record = DecodeStoredRecord(value);
  if (record.ok()) return record;
  return Annotate(record.status(),
                  fmt::format("event log {}: {}", database.folder(), Naming(position)));
}

}  // namespace

absl::StatusOr<EventLog::Chunk> ReadRecords(LogDatabase& database, LogPosition from,
                                            LogPosition next, size_t records_max,
                                            size_t bytes_max) {
  const std::string begin = PositionKey(from);
  const std::string end = PositionKey(next);
  const rocksdb::Slice end_key(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_key;
  const std::unique_ptr<rocksdb::Iterator> it(
      database.db().NewIterator(options, database.records()));
  EventLog::Chunk chunk{from, {}};
  size_t bytes = 0;
  LogPosition position = from;
  for (it->Seek(begin); position < next && chunk.records.size() < records_max; it->Next()) {
    if (!it->Valid() || it->key() != PositionKey(position)) {
      if (!it->status().ok()) {
        return LogDatabase::ErrorOf(database.folder(), Naming(position), it->status());
      }
      return DamagedError(database.folder(), Naming(position) + " is missing");
    }
    ASSIGN_OR_RETURN(const StoredRecord record,
                     Decode(database, position, it->value().ToStringView()));
    const size_t size = record.payload.size();
    if (!chunk.records.empty() && size > bytes_max - bytes) break;
    bytes += size;
    chunk.records.emplace_back(record.payload);
    position = position.Next();
    if (bytes >= bytes_max) break;
  }
  return chunk;
}

absl::StatusOr<uint64_t> BytesBeforeRecord(LogDatabase& database, LogPosition position) {
  std::string value;
  const rocksdb::Status status =
      database.db().Get({}, database.records(), PositionKey(position), &value);
  if (!status.ok()) return LogDatabase::ErrorOf(database.folder(), Naming(position), status);
  ASSIGN_OR_RETURN(const StoredRecord record, Decode(database, position, value));
  return record.bytes_before;
}

}  // namespace alertjoin
