#include "correlator-service/rows/row_database.h"

#include <fmt/format.h>
#include <rocksdb/env.h>

#include <algorithm>
#include <utility>

#include "common/eventlog/log_id.h"
#include "common/status/status.h"
#include "correlator-service/rows/row_files.h"
#include "correlator-service/rows/stored_row_codec.h"

namespace alertjoin {
namespace {

// Keys of the family that is not named.
constexpr char kFormatKey[] = "format";
constexpr char kStoreIdKey[] = "store_id";
constexpr char kLogIdKey[] = "log_id";
constexpr char kStateKey[] = "state";

// At a limit this part of the change log is dropped at once: each time leaves a marker that reads
// have to look at.
constexpr size_t kTrimSteps = 16;
constexpr Millis kRawPayloadStep = std::chrono::hours(1);

bool Fits(const ChangeLogSize& size, const ChangeLogLimits& limits) {
  return size.changes <= limits.changes_max && size.bytes <= limits.bytes_max;
}

}  // namespace

RowDatabase::RowDatabase(Options options)
    : options_(std::move(options)), latch_(options_.on_failure) {}

RowDatabase::~RowDatabase() = default;

absl::StatusOr<std::unique_ptr<RowDatabase>> RowDatabase::Open(Options options) {
  std::unique_ptr<RowDatabase> database(new RowDatabase(std::move(options)));
  RETURN_IF_ERROR(database->OpenFiles());
  RETURN_IF_ERROR(database->Load());
  return database;
}

absl::Status RowDatabase::OpenFiles() {
  RowFilesOptions options;
  options.folder = options_.folder;
  options.env = options_.env != nullptr ? options_.env.get() : rocksdb::Env::Default();
  options.write_buffer_bytes = options_.write_buffer_bytes;
  options.on_failure = [this](const absl::Status& failure) { latch_.Latch(failure); };
  ASSIGN_OR_RETURN(files_, RowFiles::Open(std::move(options)));
  return absl::OkStatus();
}

absl::Status RowDatabase::Load() {
  // Missing keys give empty values.
  std::string format;
  std::string state;
  std::string log_id;
  for (const auto& [key, value] :
       {std::pair(kFormatKey, &format), std::pair(kStateKey, &state), std::pair(kLogIdKey, &log_id),
        std::pair(kStoreIdKey, &store_id_)}) {
    const rocksdb::Status status = files_->db().Get({}, files_->meta(), key, value);
    if (!status.ok() && !status.IsNotFound()) {
      return RowFiles::ErrorOf(options_.folder, key, status);
    }
  }
  if (format.empty()) return Make();
  RETURN_IF_ERROR(At(kFormatKey, CheckRowsFormat(format)));
  if (store_id_.empty()) return At(kStoreIdKey, DamagedRowsError("it is missing"));
  const auto decoded = DecodeStoredState(state);
  if (!decoded.ok()) return At(kStateKey, decoded.status());
  RETURN_IF_ERROR(CheckChangeLog(*decoded));
  MutexLock lock(mutex_);
  state_ = *decoded;
  log_id_ = log_id;
  return absl::OkStatus();
}

absl::Status RowDatabase::Make() {
  for (rocksdb::ColumnFamilyHandle* family :
       {files_->rows(), files_->changes(), files_->reports(), files_->raw_payloads(),
        files_->sources(), files_->alerts()}) {
    const std::unique_ptr<rocksdb::Iterator> it(files_->db().NewIterator({}, family));
    it->SeekToFirst();
    if (it->Valid()) {
      return At(kFormatKey, DamagedRowsError("it is missing, and there are " + family->GetName()));
    }
    if (!it->status().ok()) {
      return RowFiles::ErrorOf(options_.folder, family->GetName(), it->status());
    }
  }
  store_id_ = RandomId();
  rocksdb::WriteBatch batch;
  rocksdb::Status status =
      batch.Put(files_->meta(), kFormatKey, std::string(1, static_cast<char>(kRowsFormatVersion)));
  if (status.ok()) status = batch.Put(files_->meta(), kStoreIdKey, store_id_);
  if (status.ok()) status = batch.Put(files_->meta(), kStateKey, EncodeStoredState({}));
  rocksdb::WriteOptions options;
  options.sync = true;
  if (status.ok()) status = files_->db().Write(options, &batch);
  if (!status.ok()) return RowFiles::ErrorOf(options_.folder, "cannot be made", status);
  return absl::OkStatus();
}

absl::Status RowDatabase::CheckChangeLog(const StoredState& state) const {
  const std::unique_ptr<rocksdb::Iterator> it(files_->db().NewIterator({}, files_->changes()));
  const auto expect = [&](Sequence sequence) -> absl::Status {
    if (it->Valid() && it->key() == SequenceKey(sequence)) return absl::OkStatus();
    const std::string what = fmt::format("change set {}", sequence.value());
    if (!it->status().ok()) return RowFiles::ErrorOf(options_.folder, what, it->status());
    return At(what, DamagedRowsError("it is missing"));
  };
  if (state.floor == state.newest) return absl::OkStatus();
  it->Seek(SequenceKey(state.floor.Next()));
  RETURN_IF_ERROR(expect(state.floor.Next()));
  it->SeekToLast();
  return expect(state.newest);
}

absl::Status RowDatabase::Write(const Changes& changes) {
  RETURN_IF_ERROR(latch_.failure());
  const StoredState before = state();
  StoredState next = before;
  CHECK(changes.applied == LogPosition() || changes.applied >= next.applied);
  next.applied = std::max(next.applied, changes.applied);
  rocksdb::WriteBatch batch;
  AddSets(changes.sets, next, batch);
  if (const absl::Status trimmed = AddTrim(before.newest, next, batch); !trimmed.ok()) {
    latch_.Latch(RowFiles::FailedError(options_.folder, MessageOf(trimmed)));
    return latch_.failure();
  }
  rocksdb::Status status = batch.Put(files_->meta(), kStateKey, EncodeStoredState(next));
  if (status.ok()) status = AddReports(changes, batch);
  if (status.ok()) status = AddRawPayloads(changes, batch);
  if (status.ok()) status = AddSources(changes, batch);
  CHECK(status.ok());  // A batch in memory.
  {
    // First: a reader who no longer finds a change set must find the floor above it. If the write
    // fails it is the last one.
    MutexLock lock(mutex_);
    state_.floor = next.floor;
    state_.through_floor = next.through_floor;
  }
  RETURN_IF_ERROR(WriteBatchNow(batch));
  MutexLock lock(mutex_);
  state_ = next;
  return absl::OkStatus();
}

rocksdb::Status RowDatabase::AddReports(const Changes& changes, rocksdb::WriteBatch& batch) const {
  rocksdb::Status status;
  for (const AlertReport& report : changes.reports) {
    if (!status.ok()) break;
    const std::string key = ReportKey(report);
    status = report.gone() ? batch.Delete(files_->reports(), key)
                           : batch.Put(files_->reports(), key, EncodeStoredReport(report));
  }
  return status;
}

rocksdb::Status RowDatabase::AddSources(const Changes& changes, rocksdb::WriteBatch& batch) const {
  rocksdb::Status status;
  for (const SharedSourceStatus& gone : changes.sources_gone) {
    if (status.ok()) status = batch.Delete(files_->sources(), SourceKey(*gone));
  }
  for (const SharedSourceStatus& told : changes.sources_told) {
    if (!status.ok()) break;
    status = batch.Put(files_->sources(), SourceKey(*told), EncodeStoredSource(*told));
  }
  return status;
}

rocksdb::Status RowDatabase::AddRawPayloads(const Changes& changes, rocksdb::WriteBatch& batch) {
  rocksdb::Status status;
  uint32_t number = 0;
  for (const RawPayload& payload : changes.raw_payloads) {
    if (!status.ok()) return status;
    status = batch.Put(files_->raw_payloads(),
                       RawPayloadKey(payload.received_time, changes.applied, number++),
                       EncodeStoredRawPayload(payload));
  }
  const auto horizon = changes.row_horizon;
  if (!status.ok() || !horizon || *horizon - raw_payload_floor_ < kRawPayloadStep) return status;
  // Each removal leaves a marker that readers have to look at.
  raw_payload_floor_ = *horizon;
  return batch.DeleteRange(files_->raw_payloads(), RawPayloadKey(Timestamp::Min(), {}, 0),
                           RawPayloadKey(*horizon, {}, 0));
}

void RowDatabase::AddSets(std::span<const SharedChangeSet> sets, StoredState& state,
                          rocksdb::WriteBatch& batch) const {
  for (const SharedChangeSet& set : sets) {
    CHECK(set->sequence == state.newest.Next());
    const EncodedChanges encoded = EncodeChanges(*set);
    rocksdb::Status status;
    for (size_t i = 0; i < encoded.rows.size() && status.ok(); ++i) {
      const std::string key = RowKey(set->changes[i].row->id);
      status = encoded.rows[i].empty() ? batch.Delete(files_->rows(), key)
                                       : batch.Put(files_->rows(), key, encoded.rows[i]);
    }
    for (const AlertChange& change : set->alerts) {
      if (!status.ok()) break;
      const std::string key = RowKey(change.alert->id);
      status = change.alert->operation == Operation::kDelete
                   ? batch.Delete(files_->alerts(), key)
                   : batch.Put(files_->alerts(), key, EncodeStoredAlert(set->sequence));
    }
    state.newest = set->sequence;
    state.through_newest.changes += ChangesIn(*set);
    state.through_newest.bytes += StoredChangesBytes(encoded.set);
    if (status.ok()) {
      status = batch.Put(files_->changes(), SequenceKey(set->sequence),
                         EncodeStoredChanges(state.through_newest, encoded.set));
    }
    CHECK(status.ok());  // A batch in memory.
  }
}

// Drops change sets up to `newest_before` at most: what is in the batch stays.
absl::Status RowDatabase::AddTrim(Sequence newest_before, StoredState& state,
                                  rocksdb::WriteBatch& batch) const {
  ChangeLogLimits limits = options_.change_log;
  if (Fits(state.through_newest - state.through_floor, limits)) return absl::OkStatus();
  if (state.floor == newest_before) return absl::OkStatus();
  limits.changes_max -= limits.changes_max / kTrimSteps;
  limits.bytes_max -= limits.bytes_max / kTrimSteps;
  // The lowest floor with which the rest fits.
  Sequence low = state.floor.Next();
  Sequence high = newest_before;
  while (low < high) {
    const Sequence middle(low.value() + (high.value() - low.value()) / 2);
    ASSIGN_OR_RETURN(const ChangeLogSize through, SizeThrough(middle));
    if (Fits(state.through_newest - through, limits)) {
      high = middle;
    } else {
      low = middle.Next();
    }
  }
  const rocksdb::Status status = batch.DeleteRange(
      files_->changes(), SequenceKey(state.floor.Next()), SequenceKey(high.Next()));
  CHECK(status.ok());  // A batch in memory.
  ASSIGN_OR_RETURN(state.through_floor, SizeThrough(high));
  state.floor = high;
  return absl::OkStatus();
}

absl::StatusOr<ChangeLogSize> RowDatabase::SizeThrough(Sequence sequence) const {
  rocksdb::PinnableSlice value;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const rocksdb::Status status =
      files_->db().Get(options, files_->changes(), SequenceKey(sequence), &value);
  const std::string what = fmt::format("change set {}", sequence.value());
  if (status.IsNotFound()) return At(what, DamagedRowsError("it is missing"));
  if (!status.ok()) return RowFiles::ErrorOf(options_.folder, what, status);
  const auto changes = DecodeStoredChanges(value.ToStringView());
  if (!changes.ok()) return At(what, changes.status());
  return changes->through;
}

absl::Status RowDatabase::WriteBatchNow(rocksdb::WriteBatch& batch) {
  unflushed_bytes_ += batch.GetDataSize();
  const rocksdb::Status status = files_->db().Write({}, &batch);
  if (!status.ok()) latch_.Latch(RowFiles::FailedError(options_.folder, status.ToString()));
  // A failure of RocksDB's own threads meanwhile counts as well.
  RETURN_IF_ERROR(latch_.failure());
  if (unflushed_bytes_ < options_.write_buffer_bytes) return absl::OkStatus();
  RETURN_IF_ERROR(Sync());
  unflushed_bytes_ = 0;
  const rocksdb::Status flush = files_->StartNewFiles();
  if (!flush.ok()) latch_.Latch(RowFiles::FailedError(options_.folder, flush.ToString()));
  return latch_.failure();
}

absl::Status RowDatabase::Sync() {
  RETURN_IF_ERROR(latch_.failure());
  const rocksdb::Status status = files_->db().SyncWAL();
  if (!status.ok()) latch_.Latch(RowFiles::FailedError(options_.folder, status.ToString()));
  return latch_.failure();
}

absl::Status RowDatabase::SetLogId(const std::string& log_id) {
  RETURN_IF_ERROR(latch_.failure());
  rocksdb::WriteBatch batch;
  const rocksdb::Status status = batch.Put(files_->meta(), kLogIdKey, log_id);
  CHECK(status.ok());  // A batch in memory.
  RETURN_IF_ERROR(WriteBatchNow(batch));
  RETURN_IF_ERROR(Sync());
  MutexLock lock(mutex_);
  log_id_ = log_id;
  return absl::OkStatus();
}

absl::Status RowDatabase::RenewStoreId() {
  RETURN_IF_ERROR(latch_.failure());
  std::string id = RandomId();
  rocksdb::WriteBatch batch;
  const rocksdb::Status status = batch.Put(files_->meta(), kStoreIdKey, id);
  CHECK(status.ok());  // A batch in memory.
  RETURN_IF_ERROR(WriteBatchNow(batch));
  RETURN_IF_ERROR(Sync());
  store_id_ = std::move(id);
  return absl::OkStatus();
}

std::string RowDatabase::log_id() const {
  MutexLock lock(mutex_);
  return log_id_;
}

ChangeLogSize RowDatabase::change_log_size() const {
  const StoredState now = state();
  return now.through_newest - now.through_floor;
}

absl::Status RowDatabase::At(std::string_view what, const absl::Status& status) const {
  return Annotate(status, fmt::format("row store {}: {}", options_.folder, what));
}

}  // namespace alertjoin
