#include "common/event/transition_codec.h"

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::Status DecodeTransitionTimes(const v1::TransitionEvent& in, Transition* transition) {
  if (!in.has_starts_at()) return MalformedEvent("transition.starts_at", "is required");
  ASSIGN_OR_RETURN(transition->starts_at, DecodeTime(in.starts_at(), "transition.starts_at"));
  if (in.has_ends_at()) {
    ASSIGN_OR_RETURN(transition->ends_at, DecodeTime(in.ends_at(), "transition.ends_at"));
  }
  if (in.has_active_at()) {
    ASSIGN_OR_RETURN(transition->active_at, DecodeTime(in.active_at(), "transition.active_at"));
  }
  ASSIGN_OR_RETURN(transition->received_time,
                   DecodeTime(in.received_time(), "transition.received_time"));
  return absl::OkStatus();
}

}  // namespace

void EncodeBinding(const Binding& binding, v1::Binding* out) {
  EncodeQuery(binding.query, out->mutable_query());
  out->set_matching(static_cast<v1::Binding::Matching>(binding.matching));
  for (const std::string& name : binding.on) out->add_on(name);
  out->set_strict(binding.strict);
  out->set_first_after(binding.first_after);
  *out->mutable_tolerance() = EncodeSpan(binding.tolerance);
  out->set_comparison_operator(binding.comparison_operator);
  if (binding.threshold.has_value()) out->set_threshold(*binding.threshold);
}

void EncodeTransition(const Transition& transition, v1::TransitionEvent* out) {
  out->set_source(transition.source);
  out->set_fingerprint(transition.fingerprint);
  out->set_state(static_cast<v1::AlertState>(transition.state));
  *out->mutable_starts_at() = EncodeTime(transition.starts_at);
  if (transition.ends_at.has_value()) *out->mutable_ends_at() = EncodeTime(*transition.ends_at);
  if (transition.active_at.has_value()) {
    *out->mutable_active_at() = EncodeTime(*transition.active_at);
  }
  EncodeLabels(transition.labels, out->mutable_labels());
  EncodeLabels(transition.annotations, out->mutable_annotations());
  out->set_generator_url(transition.generator_url);
  out->set_origin(static_cast<v1::Origin>(transition.origin));
  EncodeNotification(transition.notification, out->mutable_notification());
  if (transition.reported_value.has_value()) out->set_reported_value(*transition.reported_value);
  for (const auto& [name, value] : transition.reported_values) {
    (*out->mutable_reported_values())[name] = value;
  }
  *out->mutable_received_time() = EncodeTime(transition.received_time);
  out->set_traceparent(transition.traceparent);
}

absl::StatusOr<Transition> DecodeTransition(const v1::TransitionEvent& in) {
  Transition transition;
  transition.source = in.source();
  transition.fingerprint = in.fingerprint();
  transition.state = static_cast<AlertState>(in.state());
  RETURN_IF_ERROR(DecodeTransitionTimes(in, &transition));
  transition.labels = DecodeLabels(in.labels());
  transition.annotations = DecodeLabels(in.annotations());
  transition.generator_url = in.generator_url();
  // An origin of a later version is no reason to refuse the alert.
  transition.origin =
      v1::Origin_IsValid(in.origin()) ? static_cast<Origin>(in.origin()) : Origin::kUnspecified;
  transition.notification = DecodeNotification(in.notification());
  if (in.has_reported_value()) transition.reported_value = in.reported_value();
  transition.reported_values.assign(in.reported_values().begin(), in.reported_values().end());
  std::sort(transition.reported_values.begin(), transition.reported_values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  transition.traceparent = in.traceparent();
  return transition;
}

absl::StatusOr<Binding> DecodeBinding(const v1::Binding& in, const std::string& field) {
  Binding binding;
  if (!in.has_query()) return MalformedEvent(field + ".query", "is required");
  binding.query = DecodeQuery(in.query());
  binding.matching = static_cast<Matching>(in.matching());
  binding.on.assign(in.on().begin(), in.on().end());
  std::sort(binding.on.begin(), binding.on.end());
  binding.on.erase(std::unique(binding.on.begin(), binding.on.end()), binding.on.end());
  binding.strict = in.strict();
  binding.first_after = in.first_after();
  if (in.has_tolerance()) {
    const auto tolerance = DecodeSpan(in.tolerance());
    if (!tolerance.ok()) {
      return MalformedEvent(field + ".tolerance", MessageOf(tolerance.status()));
    }
    binding.tolerance = *tolerance;
  }
  binding.comparison_operator = in.comparison_operator();
  if (in.has_threshold()) binding.threshold = in.threshold();
  return binding;
}

}  // namespace alertjoin
