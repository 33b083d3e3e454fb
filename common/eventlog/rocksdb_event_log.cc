#include "common/eventlog/rocksdb_event_log.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>

#include <atomic>
#include <chrono>
#include <map>
#include <utility>

#include "common/eventlog/failure_latch.h"
#include "common/eventlog/group_commit.h"
#include "common/eventlog/log_batch.h"
#include "common/eventlog/log_database.h"
#include "common/eventlog/log_failure.h"
#include "common/eventlog/log_folder.h"
#include "common/eventlog/log_id.h"
#include "common/eventlog/log_records.h"
#include "common/eventlog/stored_record.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// A group beyond it goes in several writes, so that the first to come does not wait for too many.
constexpr uint64_t kGroupBytesMax = 4 << 20;

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
    bool deletes = false;  // Of a trim: tables can go.
  };

  void Commit(std::span<Request* const> group);
  absl::Status AddToBatch(Request& request);
  rocksdb::Status Write(rocksdb::WriteBatch& batch);
  absl::Status CheckInside(LogPosition from, const LogState& state) const;
  LogState state() const EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    return state_;
  }

  const Options options_;
  FailureLatch latch_;
  // Constant after Open.
  std::string id_;
  std::unique_ptr<LogDatabase> database_;
  std::unique_ptr<LogBatch> batch_;  // Only Commit uses what it points to.
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
  batch_ = std::make_unique<LogBatch>(*database_, options_.bytes_max, options_.write_buffer_bytes);
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
  if (!request.deletes) return absl::OkStatus();
  // Not before the new begin is durable: the tables are gone at once.
  const std::string end = PositionKey(before);
  const rocksdb::Slice end_key(end);
  const rocksdb::Status status = rocksdb::DeleteFilesInRange(
      &database_->db(), database_->records(), nullptr, &end_key, /*include_end=*/false);
  if (!status.ok()) latch_.Latch(LogFailedError(options_.folder, status));
  return latch_.failure();
}

void RocksdbEventLog::Impl::Commit(std::span<Request* const> group) {
  uint64_t bytes = 0;
  for (const Request* request : group) bytes += request->bytes;
  batch_->Begin(state(), bytes);
  absl::Status failure = latch_.failure();
  for (Request* request : group) {
    request->status = failure.ok() ? AddToBatch(*request) : failure;
  }
  if (batch_->empty()) return;
  const rocksdb::Status status = Write(batch_->Finish());
  if (!status.ok()) latch_.Latch(LogFailedError(options_.folder, status));
  // A failure of RocksDB's own threads meanwhile counts as well.
  failure = latch_.failure();
  if (failure.ok()) {
    MutexLock lock(mutex_);
    state_ = batch_->state();
    for (const Request* request : group) {
      if (request->note != nullptr) notes_[request->note->name] = request->note->value;
    }
    return;
  }
  for (Request* request : group) {
    if (request->status.ok()) request->status = failure;
  }
}

absl::Status RocksdbEventLog::Impl::AddToBatch(Request& request) {
  if (request.note != nullptr) {
    batch_->SetNote(request.note->name, request.note->value);
  } else if (request.records.empty()) {
    ASSIGN_OR_RETURN(request.deletes, batch_->Trim(request.trim_before));
  } else {
    ASSIGN_OR_RETURN(request.first, batch_->Append(request.records, request.bytes));
  }
  return absl::OkStatus();
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
  auto chunk = ReadRecords(*database_, from, before.next, records_max, bytes_max);
  // A trim meanwhile takes records away.
  RETURN_IF_ERROR(CheckInside(from, state()));
  return chunk;
}

absl::Status RocksdbEventLog::Impl::CheckInside(LogPosition from, const LogState& state) const {
  if (from >= state.first && from <= state.next) return absl::OkStatus();
  return absl::OutOfRangeError(
      fmt::format("event log: read from position {}: the log holds {} up to, not including, {}",
                  from.value(), state.first.value(), state.next.value()));
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
