// The database's side of reading what it holds.

#include <fmt/format.h>

#include <utility>

#include "common/status/status.h"
#include "correlator-service/rows/row_database.h"
#include "correlator-service/rows/row_files.h"
#include "correlator-service/rows/stored_row_codec.h"

namespace alertjoin {
namespace {

rocksdb::ReadOptions ReadOnce() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  return options;
}

std::string Hex(std::string_view key) { return rocksdb::Slice(key).ToString(/*hex=*/true); }

// Gives every value of the family to `visit`, which decodes it; stops at the first error, of which
// `where` makes the one to return.
template <typename Visit, typename Where>
absl::Status ForEachValue(RowFiles& files, rocksdb::ColumnFamilyHandle* family, Visit visit,
                          Where where) {
  const std::unique_ptr<rocksdb::Iterator> it(files.db().NewIterator(ReadOnce(), family));
  std::string last;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const absl::Status status = visit(it->key().ToStringView(), it->value().ToStringView());
    if (!status.ok()) return where(Hex(it->key().ToStringView()), status);
    last = it->key().ToString();
  }
  if (it->status().ok()) return absl::OkStatus();
  return RowFiles::ErrorOf(
      files.folder(), fmt::format("{}, after key {}", family->GetName(), Hex(last)), it->status());
}

}  // namespace

absl::Status RowDatabase::ForEachRow(const std::function<void(JoinedRow)>& visit) const {
  return ForEachValue(
      *files_, files_->rows(),
      [&visit](std::string_view key, std::string_view value) -> absl::Status {
        ASSIGN_OR_RETURN(JoinedRow row, DecodeStoredRow(value));
        if (RowKey(row.id) != key) return DamagedRowsError("it is another row");
        visit(std::move(row));
        return absl::OkStatus();
      },
      [this](const std::string& key, const absl::Status& status) {
        return At("row " + key, status);
      });
}

absl::Status RowDatabase::ForEachReport(const std::function<void(AlertReport)>& visit) const {
  return ForEachValue(
      *files_, files_->reports(),
      [&visit](std::string_view key, std::string_view value) -> absl::Status {
        ASSIGN_OR_RETURN(AlertReport report, DecodeStoredReport(value));
        if (ReportKey(report) != key) return DamagedRowsError("it is another report");
        visit(std::move(report));
        return absl::OkStatus();
      },
      [this](const std::string& key, const absl::Status& status) {
        return At("report " + key, status);
      });
}

absl::Status RowDatabase::ForEachAlert(const std::function<void(RowId, Sequence)>& visit) const {
  return ForEachValue(
      *files_, files_->alerts(),
      [&visit](std::string_view key, std::string_view value) -> absl::Status {
        ASSIGN_OR_RETURN(const RowId id, ParseRowKey(key));
        ASSIGN_OR_RETURN(const Sequence sequence, DecodeStoredAlert(value));
        visit(id, sequence);
        return absl::OkStatus();
      },
      [this](const std::string& key, const absl::Status& status) {
        return At("alert " + key, status);
      });
}

absl::Status RowDatabase::ForEachRawPayload(const std::function<void(RawPayload)>& visit) const {
  return ForEachValue(
      *files_, files_->raw_payloads(),
      [&visit](std::string_view, std::string_view value) -> absl::Status {
        ASSIGN_OR_RETURN(RawPayload payload, DecodeStoredRawPayload(value));
        visit(std::move(payload));
        return absl::OkStatus();
      },
      [this](const std::string& key, const absl::Status& status) {
        return At("raw payload " + key, status);
      });
}

absl::Status RowDatabase::ForEachSource(const std::function<void(SourceStatus)>& visit) const {
  return ForEachValue(
      *files_, files_->sources(),
      [&visit](std::string_view key, std::string_view value) -> absl::Status {
        ASSIGN_OR_RETURN(SourceStatus status, DecodeStoredSource(value));
        if (SourceKey(status) != key) return DamagedRowsError("it is another source");
        visit(std::move(status));
        return absl::OkStatus();
      },
      [this](const std::string& key, const absl::Status& status) {
        return At("source " + key, status);
      });
}

absl::StatusOr<ChangesRead> RowDatabase::ReadChanges(Sequence after, Sequence through,
                                                     size_t changes_max, size_t bytes_max) const {
  RETURN_IF_ERROR(CheckReadable(after));
  ChangesRead read;
  read.newest = through;
  const absl::Status status = ReadSets(after, through, changes_max, bytes_max, read);
  // A trim meanwhile takes change sets away.
  RETURN_IF_ERROR(CheckReadable(after));
  RETURN_IF_ERROR(status);
  return read;
}

absl::Status RowDatabase::CheckReadable(Sequence after) const {
  const Sequence floor = this->floor();
  if (after >= floor) return absl::OkStatus();
  return absl::OutOfRangeError(fmt::format(
      "change log: sequence {}: the log reaches back to {} only", after.value(), floor.value()));
}

absl::Status RowDatabase::ReadSets(Sequence after, Sequence through, size_t changes_max,
                                   size_t bytes_max, ChangesRead& read) const {
  const std::string end = SequenceKey(through.Next());
  const rocksdb::Slice end_key(end);
  rocksdb::ReadOptions options = ReadOnce();
  options.iterate_upper_bound = &end_key;
  const std::unique_ptr<rocksdb::Iterator> it(files_->db().NewIterator(options, files_->changes()));
  size_t changes = 0;
  size_t bytes = 0;
  it->Seek(SequenceKey(after.Next()));
  for (Sequence next = after.Next(); next <= through; next = next.Next(), it->Next()) {
    const std::string what = fmt::format("change set {}", next.value());
    if (!it->Valid() || it->key() != SequenceKey(next)) {
      if (!it->status().ok()) return RowFiles::ErrorOf(options_.folder, what, it->status());
      return At(what, DamagedRowsError("it is missing"));
    }
    const auto stored = DecodeStoredChanges(it->value().ToStringView());
    if (!stored.ok()) return At(what, stored.status());
    auto set = DecodeStoredChangeSet(stored->set);
    if (!set.ok()) return At(what, set.status());
    if ((*set)->sequence != next) return At(what, DamagedRowsError("it is another change set"));
    changes += ChangesIn(**set);
    bytes += (*set)->bytes;
    if (!read.sets.empty() && (changes > changes_max || bytes > bytes_max)) break;
    read.sets.push_back(*std::move(set));
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
