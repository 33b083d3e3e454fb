#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/event/event.h"
#include "ingest-service/reconcile/active_alerts.h"
#include "ingest-service/reconcile/alert_labelling.h"
#include "ingest-service/reconcile/evaluated_rules.h"
#include "ingest-service/reconcile/firing_history.h"

namespace alertjoin {

// What is known of a Prometheus when a transition of its alerts is found.
struct FoundContext {
  const std::string& alert_source;
  const std::string& url;  // What the links in its alerts start with.
  const AlertLabelling& labelling;
  const EvaluatedRules& rules;
  const ActiveAlerts& active;
  Timestamp received_time;
};

// The transition as it would have been sent: with the same identity, annotations as far as they are
// known, and a link to the rule's expression like Prometheus' own. Without bindings. NOT_FOUND when
// Prometheus drops the alert by relabelling; INVALID_ARGUMENT when it breaks the rules of an event.
// REQUIRES: a known start.
absl::StatusOr<TransitionEvent> MakeFoundTransition(const FiringChange& change,
                                                    const FoundContext& context);

}  // namespace alertjoin
