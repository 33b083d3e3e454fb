#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "correlator-service/pipeline/round_log.h"

namespace alertjoin {

// Where a reader of samples stands in the event log: everything before it was passed. The items of
// a round are its samples, batch by batch, and then its gaps.
struct SamplePlace {
  LogPosition round;
  uint64_t item = 0;
  friend auto operator<=>(const SamplePlace&, const SamplePlace&) = default;
};

// Where a subscription to samples stands after a message: all that is needed to go on behind it.
struct SampleToken {
  enum class Phase : uint8_t {
    kSnapshot = 1,  // snapshot_complete was not sent.
    kLive = 2,
  };

  // Of the rows that belong to the log; at most 255 bytes.
  std::string store_id;
  uint64_t argument_hash = 0;  // Of the selection of series.
  Phase phase = Phase::kSnapshot;
  SamplePlace place;
  // In kSnapshot: of the rounds before `snapshot_end`, those taken earlier are left out.
  Timestamp snapshot_from;
  LogPosition snapshot_end;

  friend bool operator==(const SampleToken&, const SampleToken&) = default;
};

std::string EncodeSampleToken(const SampleToken& token);

// INVALID_ARGUMENT, reason INVALID_RESUME_TOKEN, field "resume_token", when it is none of ours.
absl::StatusOr<SampleToken> DecodeSampleToken(std::string_view text);

// Whether a subscription with these arguments can go on from the token. FAILED_PRECONDITION, reason
// RESUME_TOKEN_FOREIGN, when it is of another store, or RESUME_TOKEN_FROM_FUTURE, or
// RESUME_TOKEN_OTHER_ARGUMENTS; OUT_OF_RANGE, reason RESUME_TOKEN_TOO_OLD.
absl::Status CheckSampleToken(const SampleToken& token, const std::string& store_id,
                              const RoundLog& log, uint64_t argument_hash);

}  // namespace alertjoin
