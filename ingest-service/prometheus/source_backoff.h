#pragma once

#include <cstdint>
#include <optional>

#include "common/net/backoff.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Leaves a source alone for a while after a failure, and for longer after each one that follows.
// Queries that were under way together count as one. Not thread-safe.
class SourceBackoff {
 public:
  SourceBackoff(Millis initial, Millis cap, uint64_t seed) : backoff_(initial, cap, seed) {}

  // A query that was sent at `started` has failed. Gives when to ask again.
  Timestamp OnFailure(Timestamp started, Timestamp now);
  // A query was answered. An answer to one sent before the last failure changes nothing.
  void OnSuccess(Timestamp started);

  // When the source may be asked again; Timestamp::Min() when at any time. A clock that was set
  // back ends the wait.
  Timestamp BlockedUntil(Timestamp now) const;

 private:
  Backoff backoff_;
  Timestamp blocked_until_ = Timestamp::Min();
  std::optional<Timestamp> last_failure_;
};

}  // namespace alertjoin
