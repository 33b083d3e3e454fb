#include "common/eventlog/log_failure.h"

#include <fmt/format.h>

#include <utility>

#include "common/status/error_reason.h"

namespace alertjoin {

absl::Status LogFailedError(const std::string& folder, const rocksdb::Status& status) {
  return MakeError(
      "LOG_FAILED",
      fmt::format(
          "event log {}: a write or sync failed: {}: nothing more is taken; see to the disk, then "
          "restart the process",
          folder, status.ToString()));
}

BackgroundErrors::BackgroundErrors(std::string folder, FailureLatch& latch)
    : folder_(std::move(folder)), latch_(latch) {}

void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) {
  latch_.Latch(LogFailedError(folder_, *status));
}

void BackgroundErrors::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                                            bool* auto_recovery) {
  *auto_recovery = false;
}

}  // namespace alertjoin
