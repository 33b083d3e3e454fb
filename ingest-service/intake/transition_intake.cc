#include "ingest-service/intake/transition_intake.h"

#include <utility>

#include "common/status/status.h"
#include "ingest-service/spool/spool_records.h"

namespace alertjoin {

void TransitionIntake::Bind(TransitionEvent& transition) const {
  for (Binding& binding : binder_.Bind(transition)) {
    transition.bindings.emplace_back(std::move(binding));
  }
}

absl::Status TransitionIntake::Keep(std::span<const TransitionEvent> transitions,
                                    const std::optional<RawPayload>& payload) {
  if (transitions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> records,
                   EncodeSpoolRecords(transitions, payload));
  RETURN_IF_ERROR(spool_.AppendRecords(records));
  // Only now: what is known is not taken again.
  recent_.Remember(transitions);
  listener_.OnTransitions(transitions);
  return absl::OkStatus();
}

absl::Status TransitionIntake::Take(std::vector<TransitionEvent> transitions,
                                    std::optional<RawPayload> payload) {
  for (TransitionEvent& transition : transitions) Bind(transition);
  return Keep(transitions, payload);
}

absl::StatusOr<std::vector<size_t>> TransitionIntake::TakeNews(
    std::vector<TransitionEvent> transitions, const PayloadOf& payload_of) {
  std::vector<size_t> chosen;
  std::vector<TransitionEvent> news;
  for (size_t i = 0; i < transitions.size(); ++i) {
    Bind(transitions[i]);
    if (recent_.Knows(transitions[i])) continue;
    chosen.push_back(i);
    news.push_back(std::move(transitions[i]));
  }
  if (news.empty()) return chosen;
  std::optional<RawPayload> payload;
  if (payload_of) payload = payload_of(chosen);
  RETURN_IF_ERROR(Keep(news, payload));
  return chosen;
}

}  // namespace alertjoin
