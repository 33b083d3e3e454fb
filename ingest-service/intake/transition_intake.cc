#include "ingest-service/intake/transition_intake.h"

#include <utility>

#include "common/status/status.h"

namespace alertjoin {

absl::Status TransitionIntake::Take(std::vector<TransitionEvent> transitions,
                                    std::optional<RawPayload> payload) {
  if (transitions.empty()) return absl::OkStatus();
  std::vector<Event> events;
  events.reserve(transitions.size() + 1);
  for (TransitionEvent& transition : transitions) {
    for (Binding& binding : binder_.Bind(transition)) {
      transition.bindings.emplace_back(std::move(binding));
    }
    events.emplace_back(transition);
  }
  if (payload.has_value()) events.emplace_back(*std::move(payload));
  RETURN_IF_ERROR(spool_.Append(events));
  listener_.OnTransitions(transitions);
  return absl::OkStatus();
}

}  // namespace alertjoin
