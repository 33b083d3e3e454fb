#pragma once

// Errors are values: absl::Status and absl::StatusOr. This file adds what Debian's Abseil lacks:
// the propagation macros, CHECK, and a machine-readable reason on a status.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alertjoin {

// A field of a request that is at fault.
struct FieldViolation {
  std::string field;
  std::string description;
};

// What google.rpc details a status carries besides code and message.
struct ErrorDetail {
  std::string reason;  // UPPER_SNAKE_CASE, stable across releases.
  std::vector<FieldViolation> field_violations;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Returns `status` with the detail attached, replacing an earlier one. REQUIRES: not OK.
absl::Status WithDetail(absl::Status status, const ErrorDetail& detail);
// The same for a reason alone.
absl::Status WithReason(absl::Status status, std::string_view reason);
// The detail attached by WithDetail; nothing when there is none.
std::optional<ErrorDetail> DetailOf(const absl::Status& status);

// The status with `context` and ": " in front of its message, detail kept. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// The message as a std::string (Debian's absl::string_view is a type of its own).
inline std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

// How much of a value, or of a whole answer, a message shows.
constexpr size_t kExcerptBytes = 128;
constexpr size_t kLongExcerptBytes = 300;

// At most `bytes_max` bytes of `text` for a message: control characters and quotes escaped, "…"
// appended when cut. Never fails, whatever the bytes.
std::string Excerpt(std::string_view text, size_t bytes_max = kExcerptBytes);

namespace internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
inline absl::Status ToStatus(const absl::Status& status) { return status; }
template <typename T>
absl::Status ToStatus(const absl::StatusOr<T>& result) {
  return result.status();
}
}  // namespace internal
}  // namespace alertjoin

// Aborts when an invariant of the program does not hold. Never for input or I/O.
#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::alertjoin::internal::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)

#define RETURN_IF_ERROR(expression)                                          \
  do {                                                                       \
    if (auto alertjoin_status = ::alertjoin::internal::ToStatus(expression); \
        !alertjoin_status.ok()) [[unlikely]]                                 \
      return alertjoin_status;                                               \
  } while (false)

#define ALERTJOIN_CONCAT_(a, b) a##b
#define ALERTJOIN_CONCAT(a, b) ALERTJOIN_CONCAT_(a, b)
#define ALERTJOIN_ASSIGN_OR_RETURN(result, lhs, expression) \
  auto result = (expression);                               \
  if (!result.ok()) [[unlikely]]                            \
    return result.status();                                 \
  lhs = *std::move(result)
#define ASSIGN_OR_RETURN(lhs, expression) \
  ALERTJOIN_ASSIGN_OR_RETURN(ALERTJOIN_CONCAT(alertjoin_result_, __LINE__), lhs, expression)
