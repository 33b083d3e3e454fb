#include "common/event/transition_wire.h"

#include "alertjoin/v1/events.pb.h"

namespace alertjoin {
namespace {

void WriteQuery(const Query& query, WireWriter& out) {
  using Field = v1::Query;
  out.Text(Field::kSourceFieldNumber, query.source);
  out.Text(Field::kNameFieldNumber, query.name);
  out.Text(Field::kExpressionFieldNumber, query.expression);
  out.Number(Field::kTimeKindFieldNumber, static_cast<uint64_t>(query.time_kind));
}

void WriteBinding(const Binding& binding, WireWriter& out) {
  using Field = v1::Binding;
  out.Message(Field::kQueryFieldNumber, [&] { WriteQuery(binding.query, out); });
  out.Number(Field::kMatchingFieldNumber, static_cast<uint64_t>(binding.matching));
  for (const std::string& name : binding.on) out.Element(Field::kOnFieldNumber, name);
  out.Number(Field::kStrictFieldNumber, binding.strict);
  out.Number(Field::kFirstAfterFieldNumber, binding.first_after);
  out.Span(Field::kToleranceFieldNumber, binding.tolerance);
  out.Text(Field::kComparisonOperatorFieldNumber, binding.comparison_operator);
  if (binding.threshold) out.Double(Field::kThresholdFieldNumber, *binding.threshold);
}

void WriteNotification(const Notification& notification, WireWriter& out) {
  using Field = v1::Notification;
  out.Text(Field::kReceiverFieldNumber, notification.receiver);
  out.Text(Field::kGroupKeyFieldNumber, notification.group_key);
  out.Text(Field::kGroupStatusFieldNumber, notification.group_status);
  out.Labels(Field::kGroupLabelsFieldNumber, notification.group_labels);
  out.Labels(Field::kCommonLabelsFieldNumber, notification.common_labels);
  out.Labels(Field::kCommonAnnotationsFieldNumber, notification.common_annotations);
  out.Labels(Field::kRouteLabelsFieldNumber, notification.route_labels);
  out.Text(Field::kExternalUrlFieldNumber, notification.external_url);
  out.Text(Field::kVersionFieldNumber, notification.version);
  out.Number(Field::kTruncatedAlertsFieldNumber, notification.truncated_alerts);
  out.Text(Field::kNotificationReasonFieldNumber, notification.notification_reason);
}

void WriteReportedValue(const std::string& name, double value, WireWriter& out) {
  constexpr int kKeyField = 1;
  constexpr int kValueField = 2;
  out.Element(kKeyField, name);
  out.Double(kValueField, value);
}

}  // namespace

void WriteTransition(const TransitionEvent& transition, WireWriter& out) {
  using Field = v1::TransitionEvent;
  out.Text(Field::kSourceFieldNumber, transition.source);
  out.Text(Field::kFingerprintFieldNumber, transition.fingerprint);
  out.Number(Field::kStateFieldNumber, static_cast<uint64_t>(transition.state));
  out.Time(Field::kStartsAtFieldNumber, transition.starts_at);
  if (transition.ends_at) out.Time(Field::kEndsAtFieldNumber, *transition.ends_at);
  if (transition.active_at) out.Time(Field::kActiveAtFieldNumber, *transition.active_at);
  out.Labels(Field::kLabelsFieldNumber, transition.labels);
  out.Labels(Field::kAnnotationsFieldNumber, transition.annotations);
  out.Text(Field::kGeneratorUrlFieldNumber, transition.generator_url);
  out.Number(Field::kOriginFieldNumber, static_cast<uint64_t>(transition.origin));
  out.Message(Field::kNotificationFieldNumber,
              [&] { WriteNotification(transition.notification, out); });
  if (transition.reported_value) {
    out.Double(Field::kReportedValueFieldNumber, *transition.reported_value);
  }
  for (const auto& [name, value] : transition.reported_values) {
    out.Message(Field::kReportedValuesFieldNumber, [&, &value_name = name, &reported = value] {
      WriteReportedValue(value_name, reported, out);
    });
  }
  out.Time(Field::kReceivedTimeFieldNumber, transition.received_time);
  for (const Shared<Binding>& binding : transition.bindings) {
    out.Message(Field::kBindingsFieldNumber, [&] { WriteBinding(*binding, out); });
  }
  out.Text(Field::kTraceparentFieldNumber, transition.traceparent);
}

}  // namespace alertjoin
