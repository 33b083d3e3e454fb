#include "correlator-service/codec/row_codec.h"

#include "common/event/event_codec.h"

namespace alertjoin {
namespace {

// The enums of the model have the numbers of the protocol.
static_assert(static_cast<int>(Operation::kUpsert) == v1::OPERATION_UPSERT);
static_assert(static_cast<int>(Operation::kDelete) == v1::OPERATION_DELETE);
static_assert(static_cast<int>(Cause::kAlert) == v1::CAUSE_ALERT);
static_assert(static_cast<int>(Cause::kSample) == v1::CAUSE_SAMPLE);
static_assert(static_cast<int>(Cause::kLateSample) == v1::CAUSE_LATE_SAMPLE);
static_assert(static_cast<int>(Cause::kAlertAmended) == v1::CAUSE_ALERT_AMENDED);
static_assert(static_cast<int>(Cause::kFinalized) == v1::CAUSE_FINALIZED);
static_assert(static_cast<int>(Cause::kExpired) == v1::CAUSE_EXPIRED);
static_assert(static_cast<int>(Cause::kQueryError) == v1::CAUSE_QUERY_ERROR);
static_assert(static_cast<int>(MatchState::kMatched) == v1::MATCH_STATE_MATCHED);
static_assert(static_cast<int>(MatchState::kNoSeries) == v1::MATCH_STATE_NO_SERIES);
static_assert(static_cast<int>(MatchState::kNoSample) == v1::MATCH_STATE_NO_SAMPLE);
static_assert(static_cast<int>(MatchState::kTooOld) == v1::MATCH_STATE_TOO_OLD);
static_assert(static_cast<int>(MatchState::kStale) == v1::MATCH_STATE_STALE);
static_assert(static_cast<int>(MatchState::kUnbound) == v1::MATCH_STATE_UNBOUND);
static_assert(static_cast<int>(AlertState::kFiring) == v1::ALERT_STATE_FIRING);
static_assert(static_cast<int>(AlertState::kResolved) == v1::ALERT_STATE_RESOLVED);
static_assert(static_cast<int>(TimeKind::kSample) == v1::TIME_KIND_SAMPLE);
static_assert(static_cast<int>(TimeKind::kEvaluation) == v1::TIME_KIND_EVALUATION);
static_assert(static_cast<int>(Origin::kReconciliation) == v1::ORIGIN_RECONCILIATION);

void EncodeBinding(const Binding& binding, v1::BoundQuery* out) {
  out->set_source(binding.query.source);
  out->set_name(binding.query.name);
  out->set_expression(binding.query.expression);
  out->set_time_kind(static_cast<v1::TimeKind>(binding.query.time_kind));
  out->set_comparison_operator(binding.comparison_operator);
  if (binding.threshold.has_value()) out->set_threshold(*binding.threshold);
}

}  // namespace

void EncodeTransition(const Transition& transition, v1::Transition* out) {
  out->set_source(transition.source);
  out->set_fingerprint(transition.fingerprint);
  out->set_alert_name(std::string(transition.labels.Get("alertname")));
  out->set_job(std::string(transition.labels.Get("job")));
  out->set_instance(std::string(transition.labels.Get("instance")));
  EncodeLabels(transition.labels, out->mutable_labels());
  EncodeLabels(transition.annotations, out->mutable_annotations());
  out->set_state(static_cast<v1::AlertState>(transition.state));
  *out->mutable_starts_at() = EncodeTime(transition.starts_at);
  if (transition.ends_at.has_value()) {
    *out->mutable_ends_at() = EncodeTime(*transition.ends_at);
    *out->mutable_duration() = EncodeSpan(*transition.ends_at - transition.starts_at);
  }
  *out->mutable_event_time() = EncodeTime(transition.event_time());
  if (transition.active_at.has_value()) {
    *out->mutable_active_at() = EncodeTime(*transition.active_at);
  }
  out->set_origin(static_cast<v1::Origin>(transition.origin));
  if (transition.reported_value.has_value()) out->set_reported_value(*transition.reported_value);
  for (const auto& [name, value] : transition.reported_values) {
    (*out->mutable_reported_values())[name] = value;
  }
  out->set_generator_url(transition.generator_url);
  EncodeNotification(transition.notification, out->mutable_notification());
  out->set_traceparent(transition.traceparent);
}

void EncodeMatch(const Match& match, Timestamp event_time, v1::Match* out) {
  out->set_state(static_cast<v1::MatchState>(match.state));
  if (match.series != nullptr) EncodeLabels(match.series->labels, out->mutable_series_labels());
  if (match.value.has_value()) out->set_value(*match.value);
  if (match.sample_time.has_value()) {
    *out->mutable_sample_time() = EncodeTime(*match.sample_time);
    *out->mutable_sample_age() = EncodeSpan(event_time - *match.sample_time);
  }
  if (match.next_value.has_value()) out->set_next_value(*match.next_value);
  if (match.next_sample_time.has_value()) {
    *out->mutable_next_sample_time() = EncodeTime(*match.next_sample_time);
  }
  if (match.value_at_active.has_value()) out->set_value_at_active(*match.value_at_active);
  if (match.active_sample_time.has_value()) {
    *out->mutable_active_sample_time() = EncodeTime(*match.active_sample_time);
  }
}

void EncodeRow(const JoinedRow& row, Operation operation, v1::JoinedRow* out) {
  out->set_row_id(ToHex(row.id));
  out->set_revision(row.revision);
  out->set_sequence(row.sequence.value());
  out->set_operation(static_cast<v1::Operation>(operation));
  out->set_cause(static_cast<v1::Cause>(row.cause));
  out->set_final(row.final);
  EncodeTransition(*row.transition, out->mutable_transition());
  if (row.binding != nullptr) EncodeBinding(*row.binding, out->mutable_query());
  if (row.match.query_error != nullptr) out->mutable_query()->set_error(*row.match.query_error);
  EncodeMatch(row.match, row.transition->event_time(), out->mutable_match());
  *out->mutable_alert_received_time() = EncodeTime(row.transition->received_time);
  if (row.match.sample_received_time.has_value()) {
    *out->mutable_sample_received_time() = EncodeTime(*row.match.sample_received_time);
  }
  *out->mutable_applied_time() = EncodeTime(row.applied_time);
}

}  // namespace alertjoin
