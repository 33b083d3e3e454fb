#include "correlator-service/pipeline/log_record.h"

#include <fmt/format.h>

#include <limits>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/sample_columns.h"

namespace alertjoin {

absl::Status DamagedRecord(std::string_view why) {
  return MakeError("LOG_DAMAGED", fmt::format("damaged: {}", why));
}

absl::StatusOr<storage::v1::LogRecord*> ParseLogRecord(std::string_view bytes,
                                                       google::protobuf::Arena* arena) {
  if (bytes.empty()) return DamagedRecord("it is empty");
  const char format = bytes.front();
  if (format < kFirstLogRecordFormat || format > kLogRecordFormat) {
    return MakeError(
        "LOG_FORMAT_UNKNOWN",
        fmt::format("its format {} is unknown, this version of alertjoin reads formats {} to {}: "
                    "use the version that wrote it",
                    static_cast<unsigned char>(format), kFirstLogRecordFormat + 0,
                    kLogRecordFormat + 0));
  }
  bytes.remove_prefix(1);
  auto* const record = google::protobuf::Arena::CreateMessage<storage::v1::LogRecord>(arena);
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !record->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DamagedRecord("it is no serialised record");
  }
  return record;
}

absl::Status UnpackEvent(storage::v1::LoggedEvent* logged) {
  if (!logged->has_columns()) return absl::OkStatus();
  if (!logged->event().has_samples()) return DamagedRecord("columns without samples");
  const absl::Status unpacked =
      UnpackColumns(logged->columns(), logged->mutable_event()->mutable_samples());
  return unpacked.ok() ? unpacked : DamagedRecord(MessageOf(unpacked));
}

}  // namespace alertjoin
