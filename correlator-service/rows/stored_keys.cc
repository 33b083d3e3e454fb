#include "correlator-service/rows/stored_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/status/status.h"
#include "correlator-service/rows/stored_row_codec.h"

namespace alertjoin {
namespace {

constexpr size_t kNumberBytes = 8;
constexpr size_t kChangesHeaderBytes = 1 + 2 * kNumberBytes;
constexpr size_t kStateNumbers = 7;
// Turned in times, so that those before 1970 come first.
constexpr uint64_t kSignBit = uint64_t{1} << 63;

void AppendNumber(uint64_t number, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

// REQUIRES: at least kNumberBytes from `offset` on.
uint64_t NumberAt(std::string_view bytes, size_t offset) {
  uint64_t number = 0;
  for (size_t i = 0; i < kNumberBytes; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return number;
}

// Its length goes first, so that no text followed by another can be taken for a third.
void AppendText(std::string_view text, std::string& out) {
  AppendNumber(text.size(), out);
  out.append(text);
}

}  // namespace

std::string RowKey(const RowId& id) { return {id.bytes.begin(), id.bytes.end()}; }

absl::StatusOr<RowId> ParseRowKey(std::string_view key) {
  RowId id;
  if (key.size() != id.bytes.size()) {
    return DamagedRowsError(
        fmt::format("a key of {} bytes, where an id has {}", key.size(), id.bytes.size()));
  }
  std::copy(key.begin(), key.end(), id.bytes.begin());
  return id;
}

std::string SequenceKey(Sequence sequence) {
  std::string key;
  AppendNumber(sequence.value(), key);
  return key;
}

absl::StatusOr<Sequence> ParseSequenceKey(std::string_view key) {
  if (key.size() != kNumberBytes) {
    return DamagedRowsError(fmt::format("a key of {} bytes in the change log", key.size()));
  }
  return Sequence(NumberAt(key, 0));
}

std::string RawPayloadKey(Timestamp received_time, LogPosition round, uint32_t number) {
  std::string key;
  AppendNumber(static_cast<uint64_t>(received_time.millis()) ^ kSignBit, key);
  AppendNumber(round.value(), key);
  AppendNumber(number, key);
  return key;
}

std::string ReportKey(const AlertReport& report) {
  std::string key;
  AppendText(report.source, key);
  AppendText(report.fingerprint, key);
  AppendNumber(static_cast<uint64_t>(report.starts_at.millis()) ^ kSignBit, key);
  return key;
}

std::string SourceKey(const SourceStatus& status) {
  std::string key;
  AppendNumber(static_cast<uint64_t>(status.kind), key);
  AppendText(status.source, key);
  AppendText(status.producer_id, key);
  return key;
}

std::string EncodeStoredChanges(const ChangeLogSize& through, std::string_view set) {
  std::string value;
  value.reserve(kChangesHeaderBytes + set.size());
  value.push_back(static_cast<char>(kRowsFormatVersion));
  AppendNumber(through.changes, value);
  AppendNumber(through.bytes, value);
  value.append(set);
  return value;
}

uint64_t StoredChangesBytes(std::string_view set) {
  return kNumberBytes + kChangesHeaderBytes + set.size();
}

absl::StatusOr<StoredChanges> DecodeStoredChanges(std::string_view value) {
  RETURN_IF_ERROR(CheckRowsFormat(value));
  if (value.size() < kChangesHeaderBytes) return DamagedRowsError("it is too short");
  return StoredChanges{{NumberAt(value, 1), NumberAt(value, 1 + kNumberBytes)},
                       value.substr(kChangesHeaderBytes)};
}

std::string EncodeStoredAlert(Sequence sequence) {
  std::string value(1, static_cast<char>(kRowsFormatVersion));
  AppendNumber(sequence.value(), value);
  return value;
}

absl::StatusOr<Sequence> DecodeStoredAlert(std::string_view value) {
  RETURN_IF_ERROR(CheckRowsFormat(value));
  if (value.size() != 1 + kNumberBytes) {
    return DamagedRowsError(fmt::format("it has {} bytes", value.size()));
  }
  return Sequence(NumberAt(value, 1));
}

std::string EncodeStoredState(const StoredState& state) {
  std::string value(1, static_cast<char>(kRowsFormatVersion));
  const std::array<uint64_t, kStateNumbers> numbers = {
      state.applied.value(),        state.newest.value(),       state.floor.value(),
      state.through_newest.changes, state.through_newest.bytes, state.through_floor.changes,
      state.through_floor.bytes};
  for (const uint64_t number : numbers) AppendNumber(number, value);
  return value;
}

absl::StatusOr<StoredState> DecodeStoredState(std::string_view value) {
  RETURN_IF_ERROR(CheckRowsFormat(value));
  if (value.size() != 1 + kStateNumbers * kNumberBytes) {
    return DamagedRowsError(fmt::format("it has {} bytes", value.size()));
  }
  const auto number = [&](size_t i) { return NumberAt(value, 1 + i * kNumberBytes); };
  StoredState state;
  state.applied = LogPosition(number(0));
  state.newest = Sequence(number(1));
  state.floor = Sequence(number(2));
  state.through_newest = {number(3), number(4)};
  state.through_floor = {number(5), number(6)};
  if (state.floor > state.newest || state.through_floor.changes > state.through_newest.changes ||
      state.through_floor.bytes > state.through_newest.bytes) {
    return DamagedRowsError("its change log ends before it begins");
  }
  return state;
}

}  // namespace alertjoin
