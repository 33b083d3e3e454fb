#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/status/error_reason.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Where a subscription stands after a message: all that is needed to go on behind it.
struct ResumeToken {
  enum class Phase : uint8_t {
    kSnapshot = 1,  // The snapshot as of `sequence` was read up to `position`.
    kCatchUp = 2,   // The whole snapshot was sent; snapshot_complete was not.
    kLive = 3,      // Every change up to `sequence` was sent.
  };

  std::string store_id;        // At most 255 bytes.
  uint64_t argument_hash = 0;  // Of the subscription's filter.
  Phase phase = Phase::kSnapshot;
  Sequence sequence;
  Timestamp snapshot_from;              // In kSnapshot: earliest event time of the snapshot.
  std::optional<RowPosition> position;  // In kSnapshot: nothing before the first row.

  friend bool operator==(const ResumeToken&, const ResumeToken&) = default;
};

// A refusal of a token, for the reason: its field is "resume_token".
absl::Status ResumeTokenError(KnownReason reason, const std::string& why);

std::string EncodeResumeToken(const ResumeToken& token);

// INVALID_ARGUMENT, reason INVALID_RESUME_TOKEN, field "resume_token", when it is none of ours.
absl::StatusOr<ResumeToken> DecodeResumeToken(std::string_view text);

// Whether a subscription with these arguments can go on from the token. FAILED_PRECONDITION, reason
// RESUME_TOKEN_FOREIGN, when it is of another store, or RESUME_TOKEN_FROM_FUTURE;
// FAILED_PRECONDITION, reason RESUME_TOKEN_OTHER_ARGUMENTS; OUT_OF_RANGE, reason
// RESUME_TOKEN_TOO_OLD.
absl::Status CheckResumeToken(const ResumeToken& token, const RowStore& store,
                              uint64_t argument_hash);

}  // namespace alertjoin
