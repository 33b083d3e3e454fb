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
// callers wait for the spool's disk, many together for one sync. However many transitions come at
// once, others wait for kPieceBytes of them at most: they go into the spool piece by piece. It
// keeps the references it is given: they must outlive it.
class TransitionIntake {
 public:
  // Of records that are synced together. A larger one is a piece of its own. More than the event
  // log takes for small (GroupCommit), so that its own thread writes the pieces.
  static constexpr size_t kPieceBytes = 128 << 10;
  // Runs the work, wherever, and returns when it is done.
  using Runner = std::function<void(const std::function<void()>& work)>;

  TransitionIntake(const Binder& binder, Spool& spool, TransitionListener& listener)
      : binder_(binder), spool_(spool), listener_(listener) {}

  // Takes the transitions, and with them what they were made of, if anything, behind the last. OK
  // means that all are in the spool, as durable as that is, so that their sender may forget them;
  // the listener has been told of them then. What was taken before may be taken again: it makes no
  // second row. Nothing happens when there are no transitions.
  // Errors: INVALID_ARGUMENT, as EncodeSpoolRecords, when they can never be taken, which leaves
  // nothing behind; all others, such as RESOURCE_EXHAUSTED with reason SPOOL_FULL, when they might
  // be later. The sender must repeat all of them then: of more than one piece the first may have
  // been taken, though never when all of them found the spool full.
  // `gently` runs what takes long and keeps nobody waiting but the caller; null: the caller does.
  // REQUIRES: `transitions` come without bindings; a payload of at most kRawPayloadBytesMax.
  absl::Status Take(std::vector<TransitionEvent> transitions,
                    std::optional<RawPayload> payload = std::nullopt,
                    const Runner& gently = nullptr);

  // The same for senders that repeat themselves: takes only those of the transitions that say
  // something new (RecentTransitions; whatever was taken here counts), and gives their numbers. The
  // others have been taken before and would change nothing. `payload_of` makes the payload of the
  // chosen ones; null: there is none. It is called once, if any are chosen.
  using PayloadOf = std::function<std::optional<RawPayload>(std::span<const size_t> chosen)>;
  absl::StatusOr<std::vector<size_t>> TakeNews(std::vector<TransitionEvent> transitions,
                                               const PayloadOf& payload_of = nullptr,
                                               const Runner& gently = nullptr);

  // The start of the episode that a transition is of which came without one, as far as what was
  // taken here tells it (RecentTransitions).
  std::optional<Timestamp> StartOf(const TransitionEvent& transition) {
    return recent_.StartOf(transition);
  }

 private:
  void Bind(std::vector<TransitionEvent>& transitions) const;
  // Takes transitions that are bound, as these records: one each, and maybe one behind them.
  absl::Status Keep(std::span<const TransitionEvent> transitions,
                    std::span<const std::string> records);

  const Binder& binder_;
  Spool& spool_;
  TransitionListener& listener_;
  RecentTransitions recent_;
};

}  // namespace alertjoin
