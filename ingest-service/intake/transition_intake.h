#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "ingest-service/binding/binder.h"
#include "ingest-service/intake/recent_transitions.h"
#include "ingest-service/prometheus/transition_listener.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

// The one way in for transitions, whoever learnt of them: binds each to its queries, puts them into
// the spool, and has the metrics at their times asked for. Thread-safe;
// callers wait for the spool's disk, many together for one sync. It keeps the references it is
// given: they must outlive it.
class TransitionIntake {
 public:
  TransitionIntake(const Binder& binder, Spool& spool, TransitionListener& listener)
      : binder_(binder), spool_(spool), listener_(listener) {}

  // Takes the transitions, all or none, and with them what they were made of, if anything. OK means
  // that they are in the spool, as durable as that is, so that their sender may forget them; the
  // listener has been told of them then. What was taken before may be taken again: it makes no
  // second row. Nothing happens when there are no transitions.
  // Errors leave nothing behind: INVALID_ARGUMENT, as EncodeSpoolRecords, when they can never be
  // taken; all others, such as RESOURCE_EXHAUSTED with reason SPOOL_FULL, when they might be later:
  // the sender must repeat them.
  // REQUIRES: `transitions` come without bindings; a payload of at most kRawPayloadBytesMax.
  absl::Status Take(std::vector<TransitionEvent> transitions,
                    std::optional<RawPayload> payload = std::nullopt);

  // The same for senders that repeat themselves: takes only those of the transitions that say
  // something new (RecentTransitions; whatever was taken here counts), and gives their numbers. The
  // others have been taken before and would change nothing. `payload_of` makes the payload of the
  // chosen ones; null: there is none. It is called once, if any are chosen.
  using PayloadOf = std::function<std::optional<RawPayload>(std::span<const size_t> chosen)>;
  absl::StatusOr<std::vector<size_t>> TakeNews(std::vector<TransitionEvent> transitions,
                                               const PayloadOf& payload_of = nullptr);

  // When the alert's latest episode began, if one was taken here and none of its ends.
  std::optional<Timestamp> OpenSince(const std::string& source, const std::string& fingerprint) {
    return recent_.OpenSince(source, fingerprint);
  }

 private:
  void Bind(TransitionEvent& transition) const;
  // Takes transitions that are bound.
  absl::Status Keep(std::span<const TransitionEvent> transitions,
                    const std::optional<RawPayload>& payload);

  const Binder& binder_;
  Spool& spool_;
  TransitionListener& listener_;
  RecentTransitions recent_;
};

}  // namespace alertjoin
