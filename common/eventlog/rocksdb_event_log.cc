#include "common/eventlog/rocksdb_event_log.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <atomic>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include "common/eventlog/failure_latch.h"
#include "common/eventlog/group_commit.h"
#include "common/eventlog/log_database.h"
#include "common/eventlog/log_folder.h"
#include "common/eventlog/log_id.h"
#include "common/eventlog/stored_record.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// A group beyond it goes in several writes, so that the first to come does not wait for too many.
constexpr uint64_t kGroupBytesMax = 4 << 20;
// Trimmed records are deleted in steps of this share of a write buffer: each step leaves a marker
// that reads have to look at.
constexpr uint64_t kReclaimStepsPerWriteBuffer = 4;

absl::Status FailedError(const std::string& folder, const rocksdb::Status& status) {
  return MakeError(
      "LOG_FAILED",
      fmt::format(
          "event log {}: a write or sync failed: {}: nothing more is taken; see to the disk, then "
          "restart the process",
          folder, status.ToString()));
}

// Failures of RocksDB's own threads: no append may be acknowledged after one, either.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  BackgroundErrors(std::string folder, FailureLatch& latch)
      : folder_(std::move(folder)), latch_(latch) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    latch_.Latch(FailedError(folder_, *status));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::string folder_;
  FailureLatch& latch_;
};

// What a write takes besides the counted bytes of its records, which include their keys: a head,
// the begin of the log, a durable mark.
constexpr uint64_t kWriteOverheadBytes = 1 << 10;
// Of memory in a batch that is used again; a larger one goes before the next write.
constexpr size_t kKeptBatchBytes = 1 << 20;

}  // namespace

class RocksdbEventLog::Impl {
 public:
  explicit Impl(Options options)
      : options_(std::move(options)),
        latch_(options_.on_failure),
        commits_(kGroupBytesMax, [this](std::span<Request* const> group) { Commit(group); }) {}

  absl::Status Open();
  absl::StatusOr<LogPosition> Append(std::span<const std::string> records);
  absl::StatusOr<Chunk> Read(LogPosition from, size_t records_max, size_t bytes_max) const;
  absl::Status Trim(LogPosition before);
  std::string note(const std::string& name) const;
  absl::Status SetNote(const std::string& name, const std::string& value);
  Bounds bounds() const;
  const std::string& id() const { return id_; }
  absl::Status health() const { return latch_.failure(); }
  size_t pending() const { return commits_.pending(); }
  uint64_t syncs() const { return syncs_; }

 private:
  struct Note {
    std::string name;
    std::string value;
  };
  // An append, a note, or a trim when there is neither.
  struct Request {
    std::span<const std::string> records;
    uint64_t bytes = 0;  // Counted bytes of the records.
    const Note* note = nullptr;
    LogPosition trim_before;
    // What came of it.
    absl::Status status;
    LogPosition first;     // Of an append.
    bool reclaim = false;  // Of a trim: enough has been trimmed to delete tables.
  };

  void Commit(std::span<Request* const> group);
  // An empty batch with room for the group's write.
  rocksdb::WriteBatch& CleanBatch(std::span<Request* const> group);
  absl::Status Add(Request& request, const LogState& durable, LogState& state,
                   rocksdb::WriteBatch& batch);
  absl::Status AddAppend(Request& request, LogState& state, rocksdb::WriteBatch& batch);
  void AddNote(const Note& note, rocksdb::WriteBatch& batch);
  absl::Status AddTrim(Request& request, const LogState& durable, LogState& state,
                       rocksdb::WriteBatch& batch);
  absl::StatusOr<uint64_t> BytesBefore(LogPosition position, const LogState& durable) const;
  rocksdb::Status Write(rocksdb::WriteBatch& batch);
  absl::Status CheckInside(LogPosition from, const LogState& state) const;
  absl::Status ReadRecords(LogPosition next, size_t records_max, size_t bytes_max,
                           Chunk& chunk) const;
  absl::Status RecordError(LogPosition position, const absl::Status& status) const;
  LogState state() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return state_;
  }

  const Options options_;
  FailureLatch latch_;
  // Constant after Open.
  std::string id_;
  std::unique_ptr<LogDatabase> database_;
  rocksdb::WriteBatch batch_;  // Only Commit uses it: its memory is used again.
  // Trimmed records before it have been deleted. Only Commit uses it.
  StoredFloor reclaimed_;
  std::atomic<uint64_t> syncs_ = 0;
  mutable Mutex mutex_;
  // What is durable. Only Commit changes it.
  LogState state_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> notes_ GUARDED_BY(mutex_);  // Not in state_, which is copied.
  GroupCommit<Request> commits_;
};

absl::Status RocksdbEventLog::Impl::Open() {
  LogDatabaseOptions options;
  options.folder = options_.folder;
  options.env = options_.env != nullptr ? options_.env.get() : rocksdb::Env::Default();
  options.write_buffer_bytes = options_.write_buffer_bytes;
  RETURN_IF_ERROR(PrepareLogFolder(options));
  options.listener = std::make_shared<BackgroundErrors>(options_.folder, latch_);
  ASSIGN_OR_RETURN(database_, LogDatabase::Open(options, LogDatabase::Mode::kReadWrite));
  ASSIGN_OR_RETURN(LogState state, database_->Load());
  if (state.id.empty()) {
    state.id = NewLogId("disk");
    rocksdb::WriteBatch batch;
    rocksdb::Status status = batch.Put(database_->meta(), kIdKey, state.id);
    if (status.ok()) status = Write(batch);
    if (!status.ok()) return LogDatabase::ErrorOf(options_.folder, "cannot be made", status);
  }
  id_ = state.id;
  MutexLock lock(mutex_);
  notes_ = std::exchange(state.notes, {});
  state_ = state;
  return absl::OkStatus();
}

absl::StatusOr<LogPosition> RocksdbEventLog::Impl::Append(std::span<const std::string> records) {
  CHECK(!records.empty());
  Request request;
  request.records = records;
  for (const std::string& record : records) request.bytes += CountedBytes(record);
  commits_.Run(request);
  RETURN_IF_ERROR(request.status);
  return request.first;
}

absl::Status RocksdbEventLog::Impl::Trim(LogPosition before) {
  Request request;
  request.trim_before = before;
  commits_.Run(request);
  RETURN_IF_ERROR(request.status);
  if (!request.reclaim) return absl::OkStatus();
  // Not before the new begin is durable: the tables are gone at once.
  const std::string end = PositionKey(before);
  const rocksdb::Slice end_key(end);
  const rocksdb::Status status = rocksdb::DeleteFilesInRange(
      &database_->db(), database_->records(), nullptr, &end_key, /*include_end=*/false);
  if (!status.ok()) latch_.Latch(FailedError(options_.folder, status));
  return latch_.failure();
}

void RocksdbEventLog::Impl::Commit(std::span<Request* const> group) {
  const LogState durable = state();
  LogState state = durable;
  rocksdb::WriteBatch& batch = CleanBatch(group);
  absl::Status failure = latch_.failure();
  for (Request* request : group) {
    request->status = failure.ok() ? Add(*request, durable, state, batch) : failure;
  }
  if (batch.Count() == 0) return;
  rocksdb::Status status = batch.PutLogData(EncodeDurableMark(id_, durable.next));
  if (status.ok()) status = Write(batch);
  if (!status.ok()) latch_.Latch(FailedError(options_.folder, status));
  // A failure of RocksDB's own threads meanwhile counts as well.
  failure = latch_.failure();
  if (failure.ok()) {
    MutexLock lock(mutex_);
    state_ = state;
    for (const Request* request : group) {
      if (request->note != nullptr) notes_[request->note->name] = request->note->value;
    }
    return;
  }
  for (Request* request : group) {
    if (request->status.ok()) request->status = failure;
  }
}

rocksdb::WriteBatch& RocksdbEventLog::Impl::CleanBatch(std::span<Request* const> group) {
  size_t bytes = kWriteOverheadBytes;
  for (const Request* request : group) bytes += request->bytes;
  const size_t room = batch_.Data().capacity();
  if (room < bytes || room > kKeptBatchBytes) {
    batch_ = rocksdb::WriteBatch(bytes);
  } else {
    batch_.Clear();
  }
  return batch_;
}

absl::Status RocksdbEventLog::Impl::Add(Request& request, const LogState& durable, LogState& state,
                                        rocksdb::WriteBatch& batch) {
  if (request.note != nullptr) {
    AddNote(*request.note, batch);
    return absl::OkStatus();
  }
  if (request.records.empty()) return AddTrim(request, durable, state, batch);
  return AddAppend(request, state, batch);
}

void RocksdbEventLog::Impl::AddNote(const Note& note, rocksdb::WriteBatch& batch) {
  const rocksdb::Status status = batch.Put(database_->meta(), kNotePrefix + note.name, note.value);
  CHECK(status.ok());  // A batch in memory.
}

absl::Status RocksdbEventLog::Impl::AddAppend(Request& request, LogState& state,
                                              rocksdb::WriteBatch& batch) {
  const uint64_t bytes_used = state.bytes_before_next - state.bytes_before_first;
  if (bytes_used > options_.bytes_max || request.bytes > options_.bytes_max - bytes_used) {
    return MakeError(
        "LOG_FULL",
        fmt::format(
            "event log: {} bytes in {} records do not fit: {} of {} bytes are in use, try again "
            "when older records have been trimmed",
            request.bytes, request.records.size(), bytes_used, options_.bytes_max));
  }
  request.first = state.next;
  for (const std::string& record : request.records) {
    const std::string key = PositionKey(state.next);
    const std::string head = EncodeStoredHead(state.bytes_before_next);
    const rocksdb::Slice key_slice(key);
    const rocksdb::Slice value_slices[] = {head, record};
    const rocksdb::Status status =
        batch.Put(database_->records(), {&key_slice, 1}, {value_slices, std::size(value_slices)});
    CHECK(status.ok());  // A batch in memory.
    state.next = state.next.Next();
    state.bytes_before_next += CountedBytes(record);
  }
  return absl::OkStatus();
}

absl::Status RocksdbEventLog::Impl::AddTrim(Request& request, const LogState& durable,
                                            LogState& state, rocksdb::WriteBatch& batch) {
  const LogPosition before = request.trim_before;
  if (before > durable.next) {
    return absl::OutOfRangeError(
        fmt::format("event log: trim before position {}: the next record will be {}",
                    before.value(), durable.next.value()));
  }
  if (before <= state.first) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t bytes_before, BytesBefore(before, durable));
  const StoredFloor floor{before, bytes_before};
  rocksdb::Status status = batch.Put(database_->meta(), kFloorKey, EncodeFloor(floor));
  const uint64_t step_bytes = options_.write_buffer_bytes / kReclaimStepsPerWriteBuffer;
  if (status.ok() && bytes_before - reclaimed_.bytes_before >= step_bytes) {
    status =
        batch.DeleteRange(database_->records(), PositionKey(reclaimed_.first), PositionKey(before));
    reclaimed_ = floor;
    request.reclaim = true;
  }
  CHECK(status.ok());  // A batch in memory.
  state.first = before;
  state.bytes_before_first = bytes_before;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RocksdbEventLog::Impl::BytesBefore(LogPosition position,
                                                            const LogState& durable) const {
  if (position == durable.next) return durable.bytes_before_next;
  std::string value;
  const rocksdb::Status status =
      database_->db().Get({}, database_->records(), PositionKey(position), &value);
  if (!status.ok()) {
    return LogDatabase::ErrorOf(options_.folder, fmt::format("record {}", position.value()),
                                status);
  }
  const auto record = DecodeStoredRecord(value);
  if (!record.ok()) return RecordError(position, record.status());
  return record->bytes_before;
}

rocksdb::Status RocksdbEventLog::Impl::Write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto start = std::chrono::steady_clock::now();
  rocksdb::Status status = database_->db().Write(options, &batch);
  if (options_.on_sync) options_.on_sync(std::chrono::steady_clock::now() - start);
  if (status.ok()) ++syncs_;
  return status;
}

absl::StatusOr<EventLog::Chunk> RocksdbEventLog::Impl::Read(LogPosition from, size_t records_max,
                                                            size_t bytes_max) const {
  const LogState before = state();
  RETURN_IF_ERROR(CheckInside(from, before));
  Chunk chunk{from, {}};
  const absl::Status status = ReadRecords(before.next, records_max, bytes_max, chunk);
  // A trim meanwhile takes records away.
  RETURN_IF_ERROR(CheckInside(from, state()));
  RETURN_IF_ERROR(status);
  return chunk;
}

absl::Status RocksdbEventLog::Impl::CheckInside(LogPosition from, const LogState& state) const {
  if (from >= state.first && from <= state.next) return absl::OkStatus();
  return absl::OutOfRangeError(
      fmt::format("event log: read from position {}: the log holds {} up to, not including, {}",
                  from.value(), state.first.value(), state.next.value()));
}

// Reads from chunk.first on, up to, not including, `next`.
absl::Status RocksdbEventLog::Impl::ReadRecords(LogPosition next, size_t records_max,
                                                size_t bytes_max, Chunk& chunk) const {
  const std::string begin = PositionKey(chunk.first);
  const std::string end = PositionKey(next);
  const rocksdb::Slice end_key(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_key;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db().NewIterator(options, database_->records()));
  size_t bytes = 0;
  LogPosition position = chunk.first;
  for (it->Seek(begin); position < next && chunk.records.size() < records_max; it->Next()) {
    if (!it->Valid() || it->key() != PositionKey(position)) {
      const std::string what = fmt::format("record {}", position.value());
      if (!it->status().ok()) return LogDatabase::ErrorOf(options_.folder, what, it->status());
      return DamagedError(options_.folder, what + " is missing");
    }
    const auto record = DecodeStoredRecord(it->value().ToStringView());
    if (!record.ok()) return RecordError(position, record.status());
    const size_t size = record->payload.size();
    if (!chunk.records.empty() && size > bytes_max - bytes) break;
    bytes += size;
    chunk.records.emplace_back(record->payload);
    position = position.Next();
    if (bytes >= bytes_max) break;
  }
  return absl::OkStatus();
}

absl::Status RocksdbEventLog::Impl::RecordError(LogPosition position,
                                                const absl::Status& status) const {
  return Annotate(status,
                  fmt::format("event log {}: record {}", options_.folder, position.value()));
}

std::string RocksdbEventLog::Impl::note(const std::string& name) const {
  MutexLock lock(mutex_);
  const auto found = notes_.find(name);
  return found == notes_.end() ? "" : found->second;
}

absl::Status RocksdbEventLog::Impl::SetNote(const std::string& name, const std::string& value) {
  const Note note{name, value};
  Request request;
  request.note = &note;
  commits_.Run(request);
  return request.status;
}

EventLog::Bounds RocksdbEventLog::Impl::bounds() const {
  MutexLock lock(mutex_);
  return Bounds{state_.first, state_.next, state_.bytes_before_next - state_.bytes_before_first};
}

RocksdbEventLog::RocksdbEventLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksdbEventLog::~RocksdbEventLog() = default;

absl::StatusOr<std::unique_ptr<RocksdbEventLog>> RocksdbEventLog::Open(Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<RocksdbEventLog>(new RocksdbEventLog(std::move(impl)));
}

const std::string& RocksdbEventLog::id() const { return impl_->id(); }
absl::StatusOr<LogPosition> RocksdbEventLog::Append(std::span<const std::string> records) {
  return impl_->Append(records);
}
absl::StatusOr<EventLog::Chunk> RocksdbEventLog::Read(LogPosition from, size_t records_max,
                                                      size_t bytes_max) const {
  return impl_->Read(from, records_max, bytes_max);
}
absl::Status RocksdbEventLog::Trim(LogPosition before) { return impl_->Trim(before); }
EventLog::Bounds RocksdbEventLog::bounds() const { return impl_->bounds(); }
std::string RocksdbEventLog::note(const std::string& name) const { return impl_->note(name); }
absl::Status RocksdbEventLog::SetNote(const std::string& name, const std::string& value) {
  return impl_->SetNote(name, value);
}
absl::Status RocksdbEventLog::health() const { return impl_->health(); }
size_t RocksdbEventLog::pending() const { return impl_->pending(); }
uint64_t RocksdbEventLog::syncs() const { return impl_->syncs(); }

}  // namespace alertjoin
