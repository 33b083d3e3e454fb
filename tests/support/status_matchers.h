#pragma once

#include <gmock/gmock.h>

#include <string>

#include "common/status/status.h"

namespace alertjoin {

// EXPECT_THAT(result, StatusIs(absl::StatusCode::kOutOfRange)): for absl::Status and StatusOr.
MATCHER_P(StatusIs, code, "has status code " + absl::StatusCodeToString(code)) {
  const absl::Status status = internal::ToStatus(arg);
  *result_listener << "is " << std::string(status.ToString());
  return status.code() == code;
}
// ... and the message contains the text.
MATCHER_P2(StatusIs, code, text, "has code " + absl::StatusCodeToString(code) + " and the text") {
  const absl::Status status = internal::ToStatus(arg);
  *result_listener << "is " << std::string(status.ToString());
  return status.code() == code && MessageOf(status).find(text) != std::string::npos;
}
MATCHER(IsOk, "is OK") {
  const absl::Status status = internal::ToStatus(arg);
  *result_listener << "is " << std::string(status.ToString());
  return status.ok();
}

}  // namespace alertjoin
