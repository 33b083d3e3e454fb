#include "common/event/event_rules.h"

#include <fmt/format.h>

#include <array>

#include "common/event/event_limits.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr std::array<std::string_view, 6> kComparisonOperators = {">", ">=", "<", "<=", "==", "!="};

absl::Status CheckText(const std::string& text, const FieldPath& field) {
  if (IsValidUtf8(text)) return absl::OkStatus();
  return MalformedEvent(field, fmt::format("must be valid UTF-8, is \"{}\"", Excerpt(text)));
}

absl::Status CheckBoundedText(const std::string& text, const FieldPath& field, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return MalformedEvent(field, fmt::format("has {} bytes, at most {}", text.size(), bytes_max));
  }
  return CheckText(text, field);
}

absl::Status CheckRequired(const std::string& text, const FieldPath& field, size_t bytes_max) {
  if (text.empty()) return MalformedEvent(field, "is required");
  return CheckBoundedText(text, field, bytes_max);
}

struct LabelLimits {
  size_t labels_max;
  size_t value_bytes_max;
};

absl::Status CheckLabelSet(const LabelSet& labels, const FieldPath& field, LabelLimits limits) {
  if (labels.size() > limits.labels_max) {
    return MalformedEvent(
        field, fmt::format("has {} entries, at most {}", labels.size(), limits.labels_max));
  }
  for (const auto& [name, value] : labels) {
    const auto entry = [&, &label_name = name] {
      return fmt::format("{}[\"{}\"]", field.ToString(), Excerpt(label_name));
    };
    if (name.size() > kLabelNameBytesMax) {
      return MalformedEvent(
          entry(), fmt::format("name has {} bytes, at most {}", name.size(), kLabelNameBytesMax));
    }
    if (value.size() > limits.value_bytes_max) {
      return MalformedEvent(entry(), fmt::format("value has {} bytes, at most {}", value.size(),
                                                 limits.value_bytes_max));
    }
    if (!IsValidUtf8(name) || !IsValidUtf8(value)) {
      return MalformedEvent(entry(), "name and value must be valid UTF-8");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAnnotations(const LabelSet& annotations, const FieldPath& field) {
  return CheckLabelSet(annotations, field, {kAnnotationsMax, kAnnotationValueBytesMax});
}

absl::Status CheckTime(Timestamp time, const FieldPath& field) {
  if (time >= Timestamp::Min() && time <= Timestamp::Max()) return absl::OkStatus();
  return MalformedEvent(
      field,
      fmt::format("{} ms since the Unix epoch is outside the years 1 to 9999", time.millis()));
}

absl::Status CheckBinding(const Binding& binding, const FieldPath& field) {
  RETURN_IF_ERROR(CheckQuery(binding.query, {field, "query"}));
  if (binding.matching != Matching::kOn && binding.matching != Matching::kAgreement) {
    return MalformedEvent({field, "matching"}, "must be MATCHING_ON or MATCHING_AGREEMENT");
  }
  if (binding.matching == Matching::kAgreement && !binding.on.empty()) {
    return MalformedEvent({field, "on"}, "must be empty with MATCHING_AGREEMENT");
  }
  if (binding.on.size() > kLabelsMax) {
    return MalformedEvent(
        {field, "on"}, fmt::format("names {} labels, at most {}", binding.on.size(), kLabelsMax));
  }
  for (const std::string& name : binding.on) {
    RETURN_IF_ERROR(CheckRequired(name, {field, "on"}, kLabelNameBytesMax));
  }
  if (binding.tolerance < Millis(0)) {
    return MalformedEvent({field, "tolerance"}, "must not be negative");
  }
  if (binding.comparison_operator.empty()) return absl::OkStatus();
  for (const std::string_view known : kComparisonOperators) {
    if (binding.comparison_operator == known) return absl::OkStatus();
  }
  return MalformedEvent({field, "comparison_operator"},
                        fmt::format("must be one of > >= < <= == !=, is \"{}\"",
                                    Excerpt(binding.comparison_operator)));
}

absl::Status CheckNotification(const Notification& notification, const FieldPath& field) {
  RETURN_IF_ERROR(CheckText(notification.receiver, {field, "receiver"}));
  RETURN_IF_ERROR(CheckText(notification.group_key, {field, "group_key"}));
  RETURN_IF_ERROR(CheckText(notification.group_status, {field, "group_status"}));
  RETURN_IF_ERROR(CheckLabels(notification.group_labels, {field, "group_labels"}));
  RETURN_IF_ERROR(CheckLabels(notification.common_labels, {field, "common_labels"}));
  RETURN_IF_ERROR(CheckAnnotations(notification.common_annotations, {field, "common_annotations"}));
  RETURN_IF_ERROR(CheckLabels(notification.route_labels, {field, "route_labels"}));
  RETURN_IF_ERROR(CheckText(notification.external_url, {field, "external_url"}));
  RETURN_IF_ERROR(CheckText(notification.version, {field, "version"}));
  return CheckText(notification.notification_reason, {field, "notification_reason"});
}

absl::Status CheckTransitionTimes(const TransitionEvent& event) {
  RETURN_IF_ERROR(CheckTime(event.starts_at, "transition.starts_at"));
  RETURN_IF_ERROR(CheckTime(event.received_time, "transition.received_time"));
  if (event.active_at.has_value()) {
    RETURN_IF_ERROR(CheckTime(*event.active_at, "transition.active_at"));
    if (*event.active_at > event.starts_at) {
      return MalformedEvent("transition.active_at", "must not be after starts_at");
    }
  }
  if (event.state == AlertState::kFiring) {
    if (!event.ends_at.has_value()) return absl::OkStatus();
    return MalformedEvent("transition.ends_at", "must be absent in the state FIRING");
  }
  if (!event.ends_at.has_value()) {
    return MalformedEvent("transition.ends_at", "is required in the state RESOLVED");
  }
  return CheckTime(*event.ends_at, "transition.ends_at");
}

absl::Status CheckTransition(const TransitionEvent& event) {
  RETURN_IF_ERROR(CheckRequired(event.source, "transition.source", kIdentifierBytesMax));
  RETURN_IF_ERROR(CheckRequired(event.fingerprint, "transition.fingerprint", kIdentifierBytesMax));
  if (event.state != AlertState::kFiring && event.state != AlertState::kResolved) {
    return MalformedEvent("transition.state", "must be FIRING or RESOLVED");
  }
  RETURN_IF_ERROR(CheckTransitionTimes(event));
  RETURN_IF_ERROR(CheckLabels(event.labels, "transition.labels"));
  RETURN_IF_ERROR(CheckAnnotations(event.annotations, "transition.annotations"));
  RETURN_IF_ERROR(CheckText(event.generator_url, "transition.generator_url"));
  RETURN_IF_ERROR(CheckNotification(event.notification, "transition.notification"));
  for (const auto& [name, value] : event.reported_values) {
    RETURN_IF_ERROR(CheckText(name, "transition.reported_values"));
  }
  for (size_t i = 0; i < event.bindings.size(); ++i) {
    RETURN_IF_ERROR(CheckBinding(*event.bindings[i], {"transition", "bindings", i}));
  }
  return CheckText(event.traceparent, "transition.traceparent");
}

absl::Status CheckSamples(const SampleBatch& batch) {
  if (batch.series_index.size() != batch.times.size() ||
      batch.values.size() != batch.times.size()) {
    return MalformedEvent(
        "samples", fmt::format("columns differ in length: {} series, {} times, "
                               "{} values",
                               batch.series_index.size(), batch.times.size(), batch.values.size()));
  }
  const Query* checked = nullptr;
  for (size_t i = 0; i < batch.series.size(); ++i) {
    const auto& series = batch.series[i];
    if (series == nullptr || series->query == nullptr) {
      return MalformedEvent("samples.series", "a series without a query");
    }
    if (series->query.get() != checked) {
      RETURN_IF_ERROR(CheckQuery(*series->query, "samples.queries.query"));
      checked = series->query.get();
    }
    RETURN_IF_ERROR(CheckLabels(series->labels, "samples.series.labels"));
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch.series_index[i] >= batch.series.size()) {
      return MalformedEvent("samples.series_refs", fmt::format("sample {} has no series", i));
    }
    RETURN_IF_ERROR(CheckTime(batch.times[i], "samples.times_ms"));
  }
  return CheckTime(batch.received_time, "samples.received_time");
}

absl::Status CheckProgress(const QueryProgress& progress) {
  RETURN_IF_ERROR(CheckQuery(progress.query, "progress.query"));
  RETURN_IF_ERROR(CheckTime(progress.complete_from, "progress.complete_from"));
  RETURN_IF_ERROR(CheckTime(progress.complete_through, "progress.complete_through"));
  if (progress.complete_through >= progress.complete_from) return absl::OkStatus();
  return MalformedEvent("progress.complete_through", "must not be before complete_from");
}

absl::Status CheckGap(const Gap& gap) {
  RETURN_IF_ERROR(CheckRequired(gap.source, "gap.source", kIdentifierBytesMax));
  if (gap.query.has_value()) RETURN_IF_ERROR(CheckQuery(*gap.query, "gap.query"));
  if (gap.from.has_value()) RETURN_IF_ERROR(CheckTime(*gap.from, "gap.from"));
  if (gap.through.has_value()) RETURN_IF_ERROR(CheckTime(*gap.through, "gap.through"));
  RETURN_IF_ERROR(CheckText(gap.reason, "gap.reason"));
  const bool bounded = gap.query && gap.from && gap.through && *gap.from <= *gap.through;
  if (!gap.voids_progress || bounded) return absl::OkStatus();
  return MalformedEvent("gap.voids_progress", "needs a query, and `from` at or before `through`");
}

absl::Status CheckRawPayload(const RawPayload& payload) {
  RETURN_IF_ERROR(CheckRequired(payload.source, "raw_payload.source", kIdentifierBytesMax));
  RETURN_IF_ERROR(CheckTime(payload.received_time, "raw_payload.received_time"));
  if (payload.body.empty()) return MalformedEvent("raw_payload.body", "is required");
  if (payload.body.size() <= kRawPayloadBytesMax) return absl::OkStatus();
  return MalformedEvent("raw_payload.body", fmt::format("has {} bytes, at most {}",
                                                        payload.body.size(), kRawPayloadBytesMax));
}

absl::Status CheckQueryError(const QueryError& error) {
  RETURN_IF_ERROR(CheckQuery(error.query, "query_error.query"));
  RETURN_IF_ERROR(CheckTime(error.time, "query_error.time"));
  return CheckBoundedText(error.error, "query_error.error", kSourceTextBytesMax);
}

absl::Status CheckSourceStatus(const SourceStatus& status) {
  RETURN_IF_ERROR(CheckRequired(status.source, "source_status.source", kIdentifierBytesMax));
  if (status.kind != SourceKind::kMetrics && status.kind != SourceKind::kAlerts) {
    return MalformedEvent("source_status.kind", "must be METRICS or ALERTS");
  }
  RETURN_IF_ERROR(
      CheckRequired(status.producer_id, "source_status.producer_id", kIdentifierBytesMax));
  if (status.health < SourceHealth::kOk || status.health > SourceHealth::kError) {
    return MalformedEvent("source_status.health",
                          "must be OK, AUTH, FORBIDDEN, UNREACHABLE or ERROR");
  }
  RETURN_IF_ERROR(
      CheckBoundedText(status.last_error, "source_status.last_error", kSourceTextBytesMax));
  if (status.last_error_time.has_value()) {
    RETURN_IF_ERROR(CheckTime(*status.last_error_time, "source_status.last_error_time"));
  }
  RETURN_IF_ERROR(CheckTime(status.time, "source_status.time"));
  return CheckBoundedText(status.description, "source_status.description", kSourceTextBytesMax);
}

struct Checker {
  absl::Status operator()(const Shared<TransitionEvent>& event) const {
    return CheckTransition(*event);
  }
  absl::Status operator()(const SampleBatch& batch) const { return CheckSamples(batch); }
  absl::Status operator()(const QueryProgress& progress) const { return CheckProgress(progress); }
  absl::Status operator()(const Gap& gap) const { return CheckGap(gap); }
  absl::Status operator()(const RawPayload& payload) const { return CheckRawPayload(payload); }
  absl::Status operator()(const QueryError& error) const { return CheckQueryError(error); }
  absl::Status operator()(const SourceStatus& status) const { return CheckSourceStatus(status); }
};

}  // namespace

absl::Status CheckEvent(const Event& event) { return std::visit(Checker{}, event); }
absl::Status CheckEvent(const TransitionEvent& transition) { return CheckTransition(transition); }
absl::Status CheckEvent(const RawPayload& payload) { return CheckRawPayload(payload); }

absl::Status CheckQuery(const Query& query, const FieldPath& field) {
  RETURN_IF_ERROR(CheckRequired(query.source, {field, "source"}, kIdentifierBytesMax));
  RETURN_IF_ERROR(CheckRequired(query.name, {field, "name"}, kEventBytesMax));
  RETURN_IF_ERROR(CheckRequired(query.expression, {field, "expression"}, kEventBytesMax));
  if (query.time_kind == TimeKind::kSample || query.time_kind == TimeKind::kEvaluation) {
    return absl::OkStatus();
  }
  return MalformedEvent({field, "time_kind"}, "must be SAMPLE or EVALUATION");
}

absl::Status CheckLabels(const LabelSet& labels, const FieldPath& field) {
  return CheckLabelSet(labels, field, {kLabelsMax, kLabelValueBytesMax});
}

absl::Status MalformedEvent(const FieldPath& field, const std::string& why) {
  const std::string path = field.ToString();
  return MakeError("MALFORMED_EVENT", fmt::format("malformed event: {}: {}", path, why),
                   {{}, {{path, why}}, {}});
}

}  // namespace alertjoin
