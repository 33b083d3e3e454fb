#pragma once

#include <google/protobuf/arena.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "alertjoin/storage/v1/log_record.pb.h"

namespace alertjoin {

// The first byte of every record. Format 1 has the columns of samples as events do; it is still
// read.
constexpr char kLogRecordFormat = 2;
constexpr char kFirstLogRecordFormat = 1;

// The bytes of a record as a message on the arena. DATA_LOSS, reason LOG_DAMAGED;
// FAILED_PRECONDITION, reason LOG_FORMAT_UNKNOWN, for the format of another version.
absl::StatusOr<storage::v1::LogRecord*> ParseLogRecord(std::string_view bytes,
                                                       google::protobuf::Arena* arena);

// Puts the columns of an event, where it has some, where events have them. DATA_LOSS, reason
// LOG_DAMAGED.
absl::Status UnpackEvent(storage::v1::LoggedEvent* logged);

// DATA_LOSS, reason LOG_DAMAGED.
absl::Status DamagedRecord(std::string_view why);

}  // namespace alertjoin
