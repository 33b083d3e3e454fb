#pragma once

// How the row store on disk writes its keys and numbers. Numbers are big-endian and of fixed width,
// so that the order of the keys' bytes is the order of what they name.

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Key of a row or an alert: its id.
std::string RowKey(const RowId& id);
// DATA_LOSS when the key is none.
absl::StatusOr<RowId> ParseRowKey(std::string_view key);
// Key of a change set: 8 bytes.
std::string SequenceKey(Sequence sequence);
// DATA_LOSS when the key is none.
absl::StatusOr<Sequence> ParseSequenceKey(std::string_view key);
// Key of a report. Those of one alert are adjacent, in the order of starts_at.
std::string ReportKey(const AlertReport& report);

// Key of a source, as a producer told of it.
std::string SourceKey(const SourceStatus& status);

// Key of the raw payload that was received then and is the n-th of its round. In order of time.
std::string RawPayloadKey(Timestamp received_time, LogPosition round, uint32_t number);

// A size of the change log: change sets hold row changes and gaps, and take bytes on the disk.
struct ChangeLogSize {
  uint64_t changes = 0;
  uint64_t bytes = 0;  // Of keys and values, before compression.

  friend ChangeLogSize operator-(ChangeLogSize a, ChangeLogSize b) {
    return {a.changes - b.changes, a.bytes - b.bytes};
  }
  friend bool operator==(const ChangeLogSize&, const ChangeLogSize&) = default;
};

// A change set as stored: version, `through`, then the value that EncodeChanges made.
struct StoredChanges {
  // Of all change sets that ever were up to this one, itself included: the difference of two is the
  // size of what lies between, without reading that.
  ChangeLogSize through;
  std::string_view set;  // Into the value it was decoded from.
};
std::string EncodeStoredChanges(const ChangeLogSize& through, std::string_view set);
// The size of the key and of what EncodeStoredChanges makes of the set.
uint64_t StoredChangesBytes(std::string_view set);
// Errors as in stored_row_codec.h.
absl::StatusOr<StoredChanges> DecodeStoredChanges(std::string_view value);

// What is kept of an alert: the sequence of its last change.
std::string EncodeStoredAlert(Sequence sequence);
// Errors as in stored_row_codec.h.
absl::StatusOr<Sequence> DecodeStoredAlert(std::string_view value);

// What changes with every write.
struct StoredState {
  LogPosition applied;
  Sequence newest;
  Sequence floor;
  // Of all change sets up to `newest` and up to `floor`.
  ChangeLogSize through_newest;
  ChangeLogSize through_floor;
};
std::string EncodeStoredState(const StoredState& state);
// Errors as in stored_row_codec.h.
absl::StatusOr<StoredState> DecodeStoredState(std::string_view value);

}  // namespace alertjoin
