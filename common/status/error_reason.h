#pragma once

// The reasons of errors: one list, to which code and documentation are held. A reason that is not
// in it does not compile, and its status code is that of the list.
//
//   return MakeError("TOO_MANY_CALLS", "too many calls at once: ask again later");

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/status/status.h"

namespace alertjoin {

struct ErrorReason {
  std::string_view name;  // UPPER_SNAKE_CASE, stable across releases.
  absl::StatusCode code;
};

// Everything that correlator-service may answer with, or stop with. proto/ERRORS.md says when each
// comes and what to do; a test compares the two.
inline constexpr ErrorReason kErrorReasons[] = {
    // Requests.
    {"INVALID_BUCKET", absl::StatusCode::kInvalidArgument},
    {"INVALID_CONTEXT_WINDOW", absl::StatusCode::kInvalidArgument},
    {"INVALID_EMA_ALPHA", absl::StatusCode::kInvalidArgument},
    {"INVALID_FILTER", absl::StatusCode::kInvalidArgument},
    {"INVALID_FLAP_WINDOW", absl::StatusCode::kInvalidArgument},
    {"INVALID_GROUPING", absl::StatusCode::kInvalidArgument},
    {"INVALID_PAGE_SIZE", absl::StatusCode::kInvalidArgument},
    {"INVALID_PAGE_TOKEN", absl::StatusCode::kInvalidArgument},
    {"INVALID_PARAMETER", absl::StatusCode::kInvalidArgument},
    {"INVALID_PROGRESS_INTERVAL", absl::StatusCode::kInvalidArgument},
    {"INVALID_RESUME_TOKEN", absl::StatusCode::kInvalidArgument},
    {"INVALID_ROW_ID", absl::StatusCode::kInvalidArgument},
    {"INVALID_SERIES_SELECTOR", absl::StatusCode::kInvalidArgument},
    {"INVALID_SNAPSHOT_WINDOW", absl::StatusCode::kInvalidArgument},
    {"INVALID_START", absl::StatusCode::kInvalidArgument},
    {"INVALID_STEP", absl::StatusCode::kInvalidArgument},
    {"INVALID_TIME", absl::StatusCode::kInvalidArgument},
    {"INVALID_TIME_RANGE", absl::StatusCode::kInvalidArgument},
    {"INVALID_TOLERANCE", absl::StatusCode::kInvalidArgument},
    {"MALFORMED_REQUEST", absl::StatusCode::kInvalidArgument},
    {"ROW_NOT_FOUND", absl::StatusCode::kNotFound},
    {"UNKNOWN_METHOD", absl::StatusCode::kUnimplemented},
    // Who may call what.
    {"CREDENTIALS_MISSING", absl::StatusCode::kUnauthenticated},
    {"CREDENTIALS_REVOKED", absl::StatusCode::kUnauthenticated},
    {"CREDENTIALS_UNKNOWN", absl::StatusCode::kUnauthenticated},
    {"METHOD_NOT_ALLOWED", absl::StatusCode::kPermissionDenied},
    {"NOT_FILTERABLE", absl::StatusCode::kPermissionDenied},
    {"PERMISSION_REVOKED", absl::StatusCode::kPermissionDenied},
    {"ROLE_MISSING", absl::StatusCode::kPermissionDenied},
    // Resume tokens.
    {"RESUME_TOKEN_FOREIGN", absl::StatusCode::kFailedPrecondition},
    {"RESUME_TOKEN_FROM_FUTURE", absl::StatusCode::kFailedPrecondition},
    {"RESUME_TOKEN_OTHER_ARGUMENTS", absl::StatusCode::kFailedPrecondition},
    {"RESUME_TOKEN_TOO_OLD", absl::StatusCode::kOutOfRange},
    // Load, and the end of the service.
    {"DEADLINE_EXCEEDED", absl::StatusCode::kDeadlineExceeded},
    {"NOT_SERVING", absl::StatusCode::kUnavailable},
    {"RANGE_TOO_LARGE", absl::StatusCode::kResourceExhausted},
    {"STOPPING", absl::StatusCode::kUnavailable},
    {"SUBSCRIBER_TOO_SLOW", absl::StatusCode::kResourceExhausted},
    {"TABLES_BUSY", absl::StatusCode::kUnavailable},
    {"TOO_MANY_CALLS", absl::StatusCode::kResourceExhausted},
    {"TOO_MANY_EXPORTS", absl::StatusCode::kUnavailable},
    {"TOO_MANY_PASSWORDS", absl::StatusCode::kUnavailable},
    {"TOO_MANY_READERS", absl::StatusCode::kResourceExhausted},
    {"TOO_MANY_STREAMS", absl::StatusCode::kUnavailable},
    {"TOO_MANY_SUBSCRIBERS", absl::StatusCode::kResourceExhausted},
    // Streams of producers.
    {"FENCED", absl::StatusCode::kFailedPrecondition},
    {"MALFORMED_EVENT", absl::StatusCode::kInvalidArgument},
    {"SEQUENCE_HOLE", absl::StatusCode::kOutOfRange},
    {"SEQUENCE_REWOUND", absl::StatusCode::kFailedPrecondition},
    {"TOO_MANY_PRODUCERS", absl::StatusCode::kResourceExhausted},
    {"TOO_MANY_SERIES", absl::StatusCode::kResourceExhausted},
    {"UNKNOWN_RECORD_FORMAT", absl::StatusCode::kFailedPrecondition},
    // Storage: at the start, or while it runs.
    {"LOG_DAMAGED", absl::StatusCode::kDataLoss},
    {"LOG_FAILED", absl::StatusCode::kUnavailable},
    {"LOG_FOREIGN", absl::StatusCode::kFailedPrecondition},
    {"LOG_FORMAT_UNKNOWN", absl::StatusCode::kFailedPrecondition},
    {"LOG_FULL", absl::StatusCode::kResourceExhausted},
    {"LOG_IN_USE", absl::StatusCode::kFailedPrecondition},
    {"LOG_REWOUND", absl::StatusCode::kDataLoss},
    {"ROWS_BEHIND", absl::StatusCode::kFailedPrecondition},
    {"ROWS_DAMAGED", absl::StatusCode::kDataLoss},
    {"ROWS_FAILED", absl::StatusCode::kUnavailable},
    {"ROWS_FORMAT_UNKNOWN", absl::StatusCode::kFailedPrecondition},
    {"ROWS_IN_USE", absl::StatusCode::kFailedPrecondition},
    {"ROWS_REWOUND", absl::StatusCode::kDataLoss},
};

// A reason of the list, made from its name where it is used. A value type.
class KnownReason {
 public:
  // Implicit, so that the name can stand where it is used.
  consteval KnownReason(const char* name) : reason_(Find(name)) {}

  constexpr std::string_view name() const { return reason_->name; }
  constexpr absl::StatusCode code() const { return reason_->code; }

 private:
  static consteval const ErrorReason* Find(std::string_view name) {
    for (const ErrorReason& reason : kErrorReasons) {
      if (reason.name == name) return &reason;
    }
    // Not a constant expression: the compiler stops here.
    throw "this reason is not in kErrorReasons";
  }

  const ErrorReason* reason_;
};

// One whose status is INVALID_ARGUMENT.
class InvalidArgument : public KnownReason {
 public:
  // Implicit, for the same reason.
  consteval InvalidArgument(const char* name) : KnownReason(name) {
    if (code() != absl::StatusCode::kInvalidArgument) throw "this reason has another status";
  }
};

// An error with the reason and its status code. What `detail` says is kept, but for its reason.
absl::Status MakeError(KnownReason reason, const std::string& message, ErrorDetail detail = {});

}  // namespace alertjoin
