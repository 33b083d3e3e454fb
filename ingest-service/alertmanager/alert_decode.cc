#include "ingest-service/alertmanager/alert_decode.h"

#include <absl/strings/numbers.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "common/event/event_limits.h"
#include "common/status/status.h"
#include "common/text/trace_parent.h"
#include "common/time/rfc3339.h"
#include "ingest-service/alertmanager/json_fields.h"

namespace alertjoin {
namespace {

constexpr size_t kFingerprintBytesMax = 64;
constexpr size_t kValuesMax = 64;
// Go's zero time lies in year 1 and means "none".
constexpr Timestamp kYearTwo = Timestamp::FromMillis(-62104060800000);

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// The time; nothing when the field is absent, empty or in year 1.
template <typename Json>
absl::StatusOr<std::optional<Timestamp>> TimeField(const Json& alert, std::string_view where,
                                                   std::string_view name) {
  ASSIGN_OR_RETURN(const std::string text, TextField(alert, where, name));
  if (text.empty()) return std::optional<Timestamp>();
  const auto time = ParseRfc3339(text);
  if (!time.ok()) return WrongShape(PathOf(where, name), MessageOf(time.status()));
  return *time < kYearTwo ? std::optional<Timestamp>() : *time;
}

template <typename Json>
absl::StatusOr<AlertState> StateField(const Json& alert, std::string_view where) {
  ASSIGN_OR_RETURN(const std::string text, TextField(alert, where, "status"));
  if (text == "firing") return AlertState::kFiring;
  if (text == "resolved") return AlertState::kResolved;
  return WrongShape(PathOf(where, "status"),
                    fmt::format("expected firing or resolved, got \"{}\"", Excerpt(text)));
}

// The state when it is said in the words of a webhook. Others mean something else by the field.
std::optional<AlertState> KnownState(const nlohmann::json& alert) {
  const nlohmann::json* const field = FindField(alert, "status");
  if (!field || !field->is_string()) return std::nullopt;
  const absl::StatusOr<AlertState> state = StateField(alert, "");
  return state.ok() ? std::optional(*state) : std::nullopt;
}

// A resolved alert has an end, and not before its start.
void CheckEnd(std::string_view where, const WebhookContext& context, TransitionEvent& event,
              std::vector<WebhookWarning>& warnings) {
  if (!event.ends_at.has_value()) {
    event.ends_at = context.received_time;
    warnings.push_back({WebhookWarning::Kind::kResolvedWithoutEnd,
                        fmt::format("{}: resolved without endsAt; taken as now", where)});
  }
  if (*event.ends_at < event.starts_at) {
    warnings.push_back(
        {WebhookWarning::Kind::kEndBeforeStart,
         fmt::format("{}: endsAt {} lies before startsAt {}; taken as startsAt", where,
                     FormatRfc3339(*event.ends_at), FormatRfc3339(event.starts_at))});
    event.ends_at = event.starts_at;
  }
}

// Grafana's named values. What is no number there (null) has no value.
std::vector<std::pair<std::string, double>> ValuesField(const JsonValue& alert) {
  const JsonValue* const field = FindField(alert, "values");
  if (!field || !field->is_object()) return {};
  std::map<std::string_view, double> values;
  for (const JsonValue& value : *field) {
    if (!value.is_number() || value.key().size() > kLabelNameBytesMax) continue;
    values.insert_or_assign(value.key(), value.number());
    if (values.size() > kValuesMax) values.erase(std::prev(values.end()));
  }
  return std::vector<std::pair<std::string, double>>(values.begin(), values.end());
}

LabelSet WithoutEmpty(const LabelSet& labels) {
  std::vector<LabelSet::LabelView> kept;
  for (const auto& label : labels) {
    if (!label.second.empty()) kept.push_back(label);
  }
  return LabelSet(kept);
}

template <typename Json>
absl::Status NoObject(const Json& alert, std::string_view where) {
  return WrongShape(where, fmt::format("expected an object, got {}", alert.type_name()));
}

// What all senders say in the same way, and what is known of the request.
template <typename Json>
absl::Status DecodeTexts(const Json& alert, std::string_view where, const WebhookContext& context,
                         TransitionEvent& event, std::vector<WebhookWarning>& warnings) {
  event.source = context.source;
  event.received_time = context.received_time;
  if (HasTraceparentForm(context.traceparent)) event.traceparent = context.traceparent;
  ASSIGN_OR_RETURN(event.labels, LabelsField(alert, where, "labels", kLabelValueBytesMax));
  ASSIGN_OR_RETURN(event.annotations,
                   LabelsField(alert, where, "annotations", kAnnotationValueBytesMax));
  ASSIGN_OR_RETURN(event.generator_url, TextField(alert, where, "generatorURL"));
  if (event.generator_url.size() > kGeneratorUrlBytesMax) {
    warnings.push_back(
        {WebhookWarning::Kind::kLongUrl,
         fmt::format("{}: generatorURL of {} bytes left out", where, event.generator_url.size())});
    event.generator_url.clear();
  }
  if (!context.value_annotation.empty()) {
    event.reported_value = ParseReportedValue(event.annotations.Get(context.value_annotation));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(WebhookWarning::Kind kind) {
  switch (kind) {
    case WebhookWarning::Kind::kUnknownVersion:
      return "unknown_version";
    case WebhookWarning::Kind::kTruncatedAlerts:
      return "truncated_alerts";
    case WebhookWarning::Kind::kResolvedWithoutEnd:
      return "resolved_without_end";
    case WebhookWarning::Kind::kEndBeforeStart:
      return "end_before_start";
    case WebhookWarning::Kind::kLongUrl:
      return "long_url";
    case WebhookWarning::Kind::kLongNotification:
      return "long_notification";
  }
  return "other";
}

absl::StatusOr<TransitionEvent> DecodeAlert(const JsonValue& alert, std::string_view where,
                                            const WebhookContext& context,
                                            std::vector<WebhookWarning>& warnings) {
  if (!alert.is_object()) return NoObject(alert, where);
  TransitionEvent event;
  ASSIGN_OR_RETURN(event.state, StateField(alert, where));
  ASSIGN_OR_RETURN(const auto starts_at, TimeField(alert, where, "startsAt"));
  if (!starts_at.has_value()) return WrongShape(PathOf(where, "startsAt"), "missing");
  event.starts_at = *starts_at;
  if (event.state == AlertState::kResolved) {
    ASSIGN_OR_RETURN(event.ends_at, TimeField(alert, where, "endsAt"));
    CheckEnd(where, context, event, warnings);
  }
  RETURN_IF_ERROR(DecodeTexts(alert, where, context, event, warnings));
  ASSIGN_OR_RETURN(event.fingerprint, TextField(alert, where, "fingerprint"));
  if (event.fingerprint.empty() || event.fingerprint.size() > kFingerprintBytesMax ||
      !std::all_of(event.fingerprint.begin(), event.fingerprint.end(), IsHexDigit)) {
    event.fingerprint = event.labels.FingerprintHex();
  }
  event.reported_values = ValuesField(alert);
  return event;
}

absl::StatusOr<PostedAlert> DecodePostedAlert(const nlohmann::json& alert, std::string_view where,
                                              const WebhookContext& context,
                                              std::vector<WebhookWarning>& warnings) {
  if (!alert.is_object()) return NoObject(alert, where);
  PostedAlert posted;
  TransitionEvent& event = posted.event;
  ASSIGN_OR_RETURN(event.ends_at, TimeField(alert, where, "endsAt"));
  const bool has_ended = event.ends_at.has_value() && *event.ends_at <= context.received_time;
  event.state = KnownState(alert).value_or(has_ended ? AlertState::kResolved : AlertState::kFiring);
  if (event.state == AlertState::kFiring) event.ends_at.reset();
  ASSIGN_OR_RETURN(const auto starts_at, TimeField(alert, where, "startsAt"));
  posted.has_start = starts_at.has_value();
  event.starts_at = starts_at.value_or(event.ends_at.value_or(context.received_time));
  if (event.state == AlertState::kResolved) CheckEnd(where, context, event, warnings);
  RETURN_IF_ERROR(DecodeTexts(alert, where, context, event, warnings));
  event.labels = WithoutEmpty(event.labels);
  event.fingerprint = event.labels.FingerprintHex();
  return posted;
}

std::optional<double> ParseReportedValue(std::string_view text) {
  // SimpleAtod also takes surrounding spaces, hexadecimal, and a payload in brackets after NaN.
  if (text.find_first_of(" \t\n\v\f\r(xX") != text.npos) return std::nullopt;
  double value = 0;
  if (!absl::SimpleAtod(absl::string_view(text.data(), text.size()), &value)) return std::nullopt;
  // Too large for a double: not the value that was meant.
  if (std::isinf(value) && text.find_first_of("iI") == text.npos) return std::nullopt;
  return value;
}

}  // namespace alertjoin
