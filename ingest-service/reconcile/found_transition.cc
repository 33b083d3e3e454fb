#include "ingest-service/reconcile/found_transition.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_rules.h"
#include "common/status/status.h"
#include "ingest-service/alertmanager/alert_decode.h"
#include "ingest-service/prometheus/generator_url.h"

namespace alertjoin {
namespace {

// As prometheus/common util/strutil TableLinkForExpression.
std::string LinkTo(std::string url, const std::string& expression) {
  while (url.ends_with('/')) url.pop_back();
  std::string link = fmt::format("{}/graph?g0.expr={}&g0.tab=1", url, PercentEncode(expression));
  return link.size() <= kGeneratorUrlBytesMax ? link : std::string();
}

}  // namespace

absl::StatusOr<TransitionEvent> MakeFoundTransition(const FiringChange& change,
                                                    const FoundContext& context) {
  CHECK(change.starts_at.has_value());
  const auto labels = context.labelling.LabelsSent(change.labels);
  if (!labels) return absl::NotFoundError("the alert is dropped by alert_relabel_configs");
  const Millis offset = context.labelling.query_offset();
  TransitionEvent event;
  event.state =
      change.kind == FiringChange::Kind::kStarted ? AlertState::kFiring : AlertState::kResolved;
  event.starts_at = *change.starts_at + offset;
  if (event.state == AlertState::kResolved) {
    event.ends_at = std::max(change.ends_at + offset, event.starts_at);
  } else if (change.active_at && *change.active_at <= *change.starts_at) {
    event.active_at = *change.active_at + offset;
  }
  event.received_time = context.received_time;
  event.source = context.alert_source;
  event.fingerprint = labels->FingerprintHex();
  event.labels = *labels;
  event.origin = Origin::kReconciliation;
  if (const ActiveAlert* const active = context.active.Find(change.labels)) {
    event.annotations = active->annotations;
  }
  if (const EvaluatedRule* const rule = context.rules.Find(change.labels)) {
    event.generator_url = LinkTo(context.url, rule->expression);
  }
  RETURN_IF_ERROR(CheckEvent(Event(Shared<TransitionEvent>(event))));
  return event;
}

}  // namespace alertjoin
