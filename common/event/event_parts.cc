#include "common/event/event_parts.h"

#include <fmt/format.h>

#include "common/event/event_rules.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr int64_t kMillisPerSecond = 1000;
constexpr int32_t kNanosPerMilli = 1'000'000;
constexpr int32_t kNanosMax = 999'999'999;
// The range of google.protobuf.Duration.
constexpr int64_t kSpanSecondsMax = 315'576'000'000;

struct SecondsAndNanos {
  int64_t seconds;
  int32_t nanos;
};

// Nanos in [0, 1 s).
SecondsAndNanos SplitFloor(int64_t ms) {
  int64_t seconds = ms / kMillisPerSecond;
  int64_t rest = ms % kMillisPerSecond;
  if (rest < 0) {
    --seconds;
    rest += kMillisPerSecond;
  }
  return {seconds, static_cast<int32_t>(rest) * kNanosPerMilli};
}

int32_t FloorToMillis(int32_t nanos) {
  return nanos >= 0 ? nanos / kNanosPerMilli : -((-nanos + kNanosPerMilli - 1) / kNanosPerMilli);
}

}  // namespace

void EncodeQuery(const Query& query, v1::Query* out) {
  out->set_source(query.source);
  out->set_name(query.name);
  out->set_expression(query.expression);
  out->set_time_kind(static_cast<v1::TimeKind>(query.time_kind));
}

void EncodeLabels(const LabelSet& labels, google::protobuf::Map<std::string, std::string>* out) {
  for (const auto& [name, value] : labels) (*out)[std::string(name)] = value;
}

void EncodeNotification(const Notification& notification, v1::Notification* out) {
  out->set_receiver(notification.receiver);
  out->set_group_key(notification.group_key);
  out->set_group_status(notification.group_status);
  EncodeLabels(notification.group_labels, out->mutable_group_labels());
  EncodeLabels(notification.common_labels, out->mutable_common_labels());
  EncodeLabels(notification.common_annotations, out->mutable_common_annotations());
  EncodeLabels(notification.route_labels, out->mutable_route_labels());
  out->set_external_url(notification.external_url);
  out->set_version(notification.version);
  out->set_truncated_alerts(notification.truncated_alerts);
  out->set_notification_reason(notification.notification_reason);
}

void EncodeProgress(const QueryProgress& progress, v1::QueryProgress* out) {
  EncodeQuery(progress.query, out->mutable_query());
  *out->mutable_complete_from() = EncodeTime(progress.complete_from);
  *out->mutable_complete_through() = EncodeTime(progress.complete_through);
}

void EncodeGap(const Gap& gap, v1::Gap* out) {
  out->set_source(gap.source);
  if (gap.query.has_value()) EncodeQuery(*gap.query, out->mutable_query());
  if (gap.from.has_value()) *out->mutable_from() = EncodeTime(*gap.from);
  if (gap.through.has_value()) *out->mutable_through() = EncodeTime(*gap.through);
  out->set_reason(gap.reason);
  out->set_voids_progress(gap.voids_progress);
}

void EncodeQueryError(const QueryError& error, v1::QueryError* out) {
  EncodeQuery(error.query, out->mutable_query());
  *out->mutable_time() = EncodeTime(error.time);
  out->set_error(error.error);
}

void EncodeSourceStatus(const SourceStatus& status, v1::SourceStatus* out) {
  out->set_source(status.source);
  out->set_kind(static_cast<v1::SourceStatus::Kind>(status.kind));
  out->set_producer_id(status.producer_id);
  out->set_health(static_cast<v1::SourceHealth>(status.health));
  out->set_last_error(status.last_error);
  if (status.last_error_time.has_value()) {
    *out->mutable_last_error_time() = EncodeTime(*status.last_error_time);
  }
  *out->mutable_time() = EncodeTime(status.time);
  out->set_description(status.description);
}

Query DecodeQuery(const v1::Query& query) {
  return Query{query.source(), query.name(), query.expression(),
               static_cast<TimeKind>(query.time_kind())};
}

LabelSet DecodeLabels(const google::protobuf::Map<std::string, std::string>& labels) {
  std::vector<LabelSet::LabelView> result;
  result.reserve(labels.size());
  for (const auto& [name, value] : labels) result.emplace_back(name, value);
  return LabelSet(result);
}

Notification DecodeNotification(const v1::Notification& notification) {
  Notification result;
  result.receiver = notification.receiver();
  result.group_key = notification.group_key();
  result.group_status = notification.group_status();
  result.group_labels = DecodeLabels(notification.group_labels());
  result.common_labels = DecodeLabels(notification.common_labels());
  result.common_annotations = DecodeLabels(notification.common_annotations());
  result.route_labels = DecodeLabels(notification.route_labels());
  result.external_url = notification.external_url();
  result.version = notification.version();
  result.truncated_alerts = notification.truncated_alerts();
  result.notification_reason = notification.notification_reason();
  return result;
}

absl::StatusOr<Gap> DecodeGap(const v1::Gap& in) {
  Gap gap;
  gap.source = in.source();
  if (in.has_query()) gap.query = DecodeQuery(in.query());
  if (in.has_from()) {
    ASSIGN_OR_RETURN(gap.from, DecodeTime(in.from(), "gap.from"));
  }
  if (in.has_through()) {
    ASSIGN_OR_RETURN(gap.through, DecodeTime(in.through(), "gap.through"));
  }
  gap.reason = in.reason();
  gap.voids_progress = in.voids_progress();
  return gap;
}

absl::StatusOr<QueryError> DecodeQueryError(const v1::QueryError& in) {
  if (!in.has_query()) return MalformedEvent("query_error.query", "is required");
  if (!in.has_time()) return MalformedEvent("query_error.time", "is required");
  QueryError error;
  error.query = DecodeQuery(in.query());
  ASSIGN_OR_RETURN(error.time, DecodeTime(in.time(), "query_error.time"));
  error.error = in.error();
  return error;
}

absl::StatusOr<SourceStatus> DecodeSourceStatus(const v1::SourceStatus& in) {
  if (!in.has_time()) return MalformedEvent("source_status.time", "is required");
  SourceStatus status;
  status.source = in.source();
  status.kind = static_cast<SourceKind>(in.kind());
  status.producer_id = in.producer_id();
  status.health = static_cast<SourceHealth>(in.health());
  status.last_error = in.last_error();
  if (in.has_last_error_time()) {
    ASSIGN_OR_RETURN(status.last_error_time,
                     DecodeTime(in.last_error_time(), "source_status.last_error_time"));
  }
  ASSIGN_OR_RETURN(status.time, DecodeTime(in.time(), "source_status.time"));
  status.description = in.description();
  return status;
}

google::protobuf::Timestamp EncodeTime(Timestamp time) {
  const auto [seconds, nanos] = SplitFloor(time.millis());
  google::protobuf::Timestamp result;
  result.set_seconds(seconds);
  result.set_nanos(nanos);
  return result;
}

google::protobuf::Duration EncodeSpan(Millis span) {
  // Both parts of a Duration have the same sign, so C++'s division towards zero is right here.
  google::protobuf::Duration result;
  result.set_seconds(span.count() / kMillisPerSecond);
  result.set_nanos(static_cast<int32_t>(span.count() % kMillisPerSecond) * kNanosPerMilli);
  return result;
}

absl::StatusOr<Timestamp> DecodeTime(const google::protobuf::Timestamp& time) {
  constexpr int64_t seconds_min = Timestamp::Min().millis() / kMillisPerSecond;
  constexpr int64_t seconds_max = Timestamp::Max().millis() / kMillisPerSecond;
  if (time.seconds() < seconds_min || time.seconds() > seconds_max) {
    return absl::InvalidArgumentError(fmt::format(
        "time: {} s since the Unix epoch is outside the years 1 to 9999", time.seconds()));
  }
  if (time.nanos() < 0 || time.nanos() > kNanosMax) {
    return absl::InvalidArgumentError(
        fmt::format("time: nanos must be 0 to {}, are {}", kNanosMax, time.nanos()));
  }
  return Timestamp::FromMillis(time.seconds() * kMillisPerSecond + FloorToMillis(time.nanos()));
}

absl::StatusOr<Timestamp> DecodeTime(const google::protobuf::Timestamp& time,
                                     std::string_view field) {
  auto result = DecodeTime(time);
  if (!result.ok()) return MalformedEvent(field, MessageOf(result.status()));
  return result;
}

absl::StatusOr<Millis> DecodeSpan(const google::protobuf::Duration& span) {
  if (span.seconds() < -kSpanSecondsMax || span.seconds() > kSpanSecondsMax) {
    return absl::InvalidArgumentError(
        fmt::format("duration: {} s is more than 10,000 years", span.seconds()));
  }
  const bool signs_differ =
      (span.seconds() > 0 && span.nanos() < 0) || (span.seconds() < 0 && span.nanos() > 0);
  if (span.nanos() < -kNanosMax || span.nanos() > kNanosMax || signs_differ) {
    return absl::InvalidArgumentError(
        fmt::format("duration: nanos must be within 1 s and have the sign of the seconds, are {}",
                    span.nanos()));
  }
  return Millis(span.seconds() * kMillisPerSecond + FloorToMillis(span.nanos()));
}

}  // namespace alertjoin
