#include "common/status/error_reason.h"

#include <utility>

namespace alertjoin {

absl::Status MakeError(KnownReason reason, const std::string& message, ErrorDetail detail) {
  detail.reason = std::string(reason.name());
  return WithDetail(absl::Status(reason.code(), message), detail);
}

}  // namespace alertjoin
