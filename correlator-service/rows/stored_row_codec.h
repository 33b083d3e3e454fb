#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/model/alert_report.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// The values of the row store on disk (proto/alertjoin/storage/v1/stored_rows.proto). The first
// byte of each is the version of its format. What comes back equals what was encoded, every double
// to its bits, but for the exceptions named below; nothing that comes back is shared between
// values.
//
// Errors of decoding, which the caller completes with the place:
//   FAILED_PRECONDITION ROWS_FORMAT_UNKNOWN  written by another version of the program
//   DATA_LOSS ROWS_DAMAGED                   no such value
constexpr uint8_t kRowsFormatVersion = 1;

// FAILED_PRECONDITION, reason ROWS_FORMAT_UNKNOWN, unless the first byte is kRowsFormatVersion;
// DATA_LOSS, reason ROWS_DAMAGED, when there is none.
absl::Status CheckRowsFormat(std::string_view value);
// DATA_LOSS, reason ROWS_DAMAGED.
absl::Status DamagedRowsError(std::string_view what);

// What a change set puts into two places, made in one go.
struct EncodedChanges {
  std::string set;
  // By change; empty for a DELETE.
  std::vector<std::string> rows;
};
EncodedChanges EncodeChanges(const ChangeSet& set);

// A series' query is one with the binding's.
absl::StatusOr<JoinedRow> DecodeStoredRow(std::string_view value);
// A previous version comes back as the row as it is now, with the `final` and the match state that
// it had: all that a RowFilter needs to tell whether it matched. `bytes` are counted anew.
absl::StatusOr<SharedChangeSet> DecodeStoredChangeSet(std::string_view value);

std::string EncodeStoredRawPayload(const RawPayload& payload);
absl::StatusOr<RawPayload> DecodeStoredRawPayload(std::string_view value);

std::string EncodeStoredSource(const SourceStatus& status);
absl::StatusOr<SourceStatus> DecodeStoredSource(std::string_view value);

std::string EncodeStoredReport(const AlertReport& report);
absl::StatusOr<AlertReport> DecodeStoredReport(std::string_view value);

}  // namespace alertjoin
