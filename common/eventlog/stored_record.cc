#include "common/eventlog/stored_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kNumberBytes = 8;
// Unlikely enough in a payload; a payload cannot know the id that follows by accident.
constexpr std::string_view kMarkStart = "alertjoin durable mark ";

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

absl::Status CheckValue(std::string_view value, size_t size_min) {
  const auto version = value.empty() ? uint8_t{0} : static_cast<uint8_t>(value[0]);
  if (!value.empty() && version != kStoredFormatVersion) {
    return MakeError(
        "LOG_FORMAT_UNKNOWN",
        fmt::format(
            "stored in format version {}; this program reads version {}: start the version of the "
            "program that wrote it",
            version, kStoredFormatVersion));
  }
  if (value.size() < size_min) {
    return absl::DataLossError(
        fmt::format("stored in {} bytes, at least {} are needed", value.size(), size_min));
  }
  return absl::OkStatus();
}

}  // namespace

std::string PositionKey(LogPosition position) {
  std::string key;
  AppendNumber(position.value(), key);
  return key;
}

absl::StatusOr<LogPosition> ParsePositionKey(std::string_view key) {
  if (key.size() != kNumberBytes) {
    return absl::DataLossError(
        fmt::format("a key of {} bytes: positions have {}", key.size(), kNumberBytes));
  }
  return LogPosition(NumberAt(key, 0));
}

std::string EncodeStoredHead(uint64_t bytes_before) {
  std::string head(1, static_cast<char>(kStoredFormatVersion));
  AppendNumber(bytes_before, head);
  return head;
}

std::string EncodeStoredRecord(uint64_t bytes_before, std::string_view payload) {
  std::string value = EncodeStoredHead(bytes_before);
  value.append(payload);
  return value;
}

absl::StatusOr<StoredRecord> DecodeStoredRecord(std::string_view value) {
  RETURN_IF_ERROR(CheckValue(value, 1 + kNumberBytes));
  return StoredRecord{NumberAt(value, 1), value.substr(1 + kNumberBytes)};
}

std::string EncodeFloor(const StoredFloor& floor) {
  std::string value(1, static_cast<char>(kStoredFormatVersion));
  AppendNumber(floor.first.value(), value);
  AppendNumber(floor.bytes_before, value);
  return value;
}

absl::StatusOr<StoredFloor> DecodeFloor(std::string_view value) {
  RETURN_IF_ERROR(CheckValue(value, 1 + 2 * kNumberBytes));
  return StoredFloor{LogPosition(NumberAt(value, 1)), NumberAt(value, 1 + kNumberBytes)};
}

std::string EncodeDurableMark(std::string_view log_id, LogPosition durable) {
  std::string mark(kMarkStart);
  mark.append(log_id);
  AppendNumber(durable.value(), mark);
  AppendNumber(~durable.value(), mark);
  return mark;
}

LogPosition FindDurableMark(std::string_view bytes, std::string_view log_id) {
  const std::string start = std::string(kMarkStart) + std::string(log_id);
  LogPosition greatest;
  for (size_t at = bytes.find(start); at != std::string_view::npos; at = bytes.find(start, at)) {
    at += start.size();
    if (bytes.size() - at < 2 * kNumberBytes) break;
    const uint64_t position = NumberAt(bytes, at);
    // Otherwise it is cut in two, by the border of a block or by the end of what was written.
    if (NumberAt(bytes, at + kNumberBytes) != ~position) continue;
    greatest = std::max(greatest, LogPosition(position));
  }
  return greatest;
}

}  // namespace alertjoin
