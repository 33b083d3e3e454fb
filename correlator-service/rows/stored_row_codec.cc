#include "correlator-service/rows/stored_row_codec.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>

#include <algorithm>
#include <limits>

#include "alertjoin/storage/v1/stored_rows.pb.h"
#include "common/event/event_parts.h"
#include "common/event/transition_codec.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/rows/stored_keys.h"

namespace alertjoin {
namespace {

using google::protobuf::Arena;
namespace stored = storage::v1;

std::string WithVersion(const google::protobuf::MessageLite& message) {
  std::string value(1, static_cast<char>(kRowsFormatVersion));
  CHECK(message.AppendToString(&value));
  return value;
}

absl::Status ParseValue(std::string_view value, google::protobuf::MessageLite* message) {
  RETURN_IF_ERROR(CheckRowsFormat(value));
  value.remove_prefix(1);
  if (value.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !message->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return DamagedRowsError("it cannot be parsed");
  }
  return absl::OkStatus();
}

// What the event codec calls malformed was not malformed when it was stored.
absl::Status AsDamage(const absl::Status& status) {
  return status.ok() ? status : DamagedRowsError(MessageOf(status));
}

std::optional<Timestamp> TimeIf(bool has, int64_t ms) {
  return has ? std::optional(Timestamp::FromMillis(ms)) : std::nullopt;
}

void EncodeMatch(const Match& match, stored::StoredMatch* out) {
  out->set_state(static_cast<v1::MatchState>(match.state));
  if (match.series != nullptr) {
    EncodeLabels(match.series->labels, out->mutable_series()->mutable_labels());
  }
  if (match.value) out->set_value(*match.value);
  if (match.sample_time) out->set_sample_time_ms(match.sample_time->millis());
  if (match.next_value) out->set_next_value(*match.next_value);
  if (match.next_sample_time) out->set_next_sample_time_ms(match.next_sample_time->millis());
  if (match.sample_received_time) {
    out->set_sample_received_ms(match.sample_received_time->millis());
  }
  if (match.value_at_active) out->set_value_at_active(*match.value_at_active);
  if (match.active_sample_time) out->set_active_sample_time_ms(match.active_sample_time->millis());
  if (match.query_error != nullptr) out->set_error(*match.query_error);
}

absl::StatusOr<Match> DecodeMatch(const stored::StoredMatch& in,
                                  const std::shared_ptr<const Binding>& binding) {
  if (!v1::MatchState_IsValid(in.state()) || in.state() == v1::MATCH_STATE_UNSPECIFIED) {
    return DamagedRowsError("it has no match state");
  }
  Match match;
  match.state = static_cast<MatchState>(in.state());
  if (in.has_series()) {
    if (binding == nullptr) return DamagedRowsError("it has a series and no query");
    match.series = std::make_shared<const SeriesKey>(
        SeriesKey{std::shared_ptr<const Query>(binding, &binding->query),
                  DecodeLabels(in.series().labels())});
  }
  if (in.has_value()) match.value = in.value();
  match.sample_time = TimeIf(in.has_sample_time_ms(), in.sample_time_ms());
  if (in.has_next_value()) match.next_value = in.next_value();
  match.next_sample_time = TimeIf(in.has_next_sample_time_ms(), in.next_sample_time_ms());
  match.sample_received_time = TimeIf(in.has_sample_received_ms(), in.sample_received_ms());
  if (in.has_value_at_active()) match.value_at_active = in.value_at_active();
  match.active_sample_time = TimeIf(in.has_active_sample_time_ms(), in.active_sample_time_ms());
  if (!in.error().empty()) match.query_error = std::make_shared<const std::string>(in.error());
  return match;
}

void EncodeRow(const JoinedRow& row, stored::StoredRow* out) {
  out->set_id(row.id.bytes.data(), row.id.bytes.size());
  out->set_revision(row.revision);
  out->set_sequence(row.sequence.value());
  out->set_operation(static_cast<v1::Operation>(row.operation));
  out->set_cause(static_cast<v1::Cause>(row.cause));
  out->set_final(row.final);
  EncodeTransition(*row.transition, out->mutable_transition());
  if (row.binding != nullptr) EncodeBinding(*row.binding, out->mutable_binding());
  EncodeMatch(row.match, out->mutable_match());
  out->set_applied_time_ms(row.applied_time.millis());
}

absl::StatusOr<std::shared_ptr<const Transition>> DecodeSharedTransition(
    const v1::TransitionEvent& in) {
  auto transition = DecodeTransition(in);
  if (!transition.ok()) return AsDamage(transition.status());
  const bool resolved = transition->state == AlertState::kResolved;
  if ((!resolved && transition->state != AlertState::kFiring) ||
      resolved != transition->ends_at.has_value()) {
    return DamagedRowsError("its transition has no event time");
  }
  return std::make_shared<const Transition>(*std::move(transition));
}

absl::StatusOr<std::shared_ptr<const Binding>> DecodeSharedBinding(const v1::Binding& in) {
  auto binding = DecodeBinding(in, "binding");
  if (!binding.ok()) return AsDamage(binding.status());
  return std::make_shared<const Binding>(*std::move(binding));
}

absl::StatusOr<JoinedRow> DecodeRow(const stored::StoredRow& in) {
  JoinedRow row;
  if (in.id().size() != row.id.bytes.size()) return DamagedRowsError("it has no row id");
  std::copy(in.id().begin(), in.id().end(), row.id.bytes.begin());
  row.revision = in.revision();
  row.sequence = Sequence(in.sequence());
  if (!v1::Operation_IsValid(in.operation()) || in.operation() == v1::OPERATION_UNSPECIFIED ||
      !v1::Cause_IsValid(in.cause()) || in.cause() == v1::CAUSE_UNSPECIFIED) {
    return DamagedRowsError("it has no operation or no cause");
  }
  row.operation = static_cast<Operation>(in.operation());
  row.cause = static_cast<Cause>(in.cause());
  row.final = in.final();
  ASSIGN_OR_RETURN(row.transition, DecodeSharedTransition(in.transition()));
  if (in.has_binding()) {
    ASSIGN_OR_RETURN(row.binding, DecodeSharedBinding(in.binding()));
  }
  ASSIGN_OR_RETURN(row.match, DecodeMatch(in.match(), row.binding));
  row.applied_time = Timestamp::FromMillis(in.applied_time_ms());
  return row;
}

absl::StatusOr<RowChange> DecodeChange(const stored::StoredChange& in) {
  ASSIGN_OR_RETURN(JoinedRow row, DecodeRow(in.row()));
  RowChange change;
  if (in.has_previous()) {
    if (!v1::MatchState_IsValid(in.previous().match_state())) {
      return DamagedRowsError("its previous version has no match state");
    }
    JoinedRow previous = row;
    previous.operation = Operation::kUpsert;
    previous.final = in.previous().final();
    previous.match.state = static_cast<MatchState>(in.previous().match_state());
    change.previous = std::make_shared<const JoinedRow>(std::move(previous));
  }
  change.row = std::make_shared<const JoinedRow>(std::move(row));
  return change;
}

void EncodeAlertChange(const AlertChange& change, const ChangeSet& set,
                       stored::StoredAlertChange* out) {
  const Alert& alert = *change.alert;
  out->set_id(alert.id.bytes.data(), alert.id.bytes.size());
  out->set_operation(static_cast<v1::Operation>(alert.operation));
  const auto row = std::ranges::find_if(set.changes, [&alert](const RowChange& its_row) {
    return its_row.row->transition == alert.transition;
  });
  if (row != set.changes.end()) {
    out->set_transition_of_change(static_cast<uint32_t>(row - set.changes.begin()) + 1);
  } else {
    EncodeTransition(*alert.transition, out->mutable_transition());
  }
  out->set_received_time_ms(alert.received_time.millis());
  if (change.previous_state) {
    out->set_previous_state(static_cast<v1::AlertState>(*change.previous_state));
  }
}

absl::StatusOr<AlertChange> DecodeAlertChange(const stored::StoredAlertChange& in,
                                              const ChangeSet& set) {
  auto alert = std::make_shared<Alert>();
  ASSIGN_OR_RETURN(alert->id, ParseRowKey(in.id()));
  alert->sequence = set.sequence;
  if (!v1::Operation_IsValid(in.operation()) || in.operation() == v1::OPERATION_UNSPECIFIED) {
    return DamagedRowsError("an alert of it has no operation");
  }
  alert->operation = static_cast<Operation>(in.operation());
  if (in.has_transition()) {
    ASSIGN_OR_RETURN(alert->transition, DecodeSharedTransition(in.transition()));
  } else if (in.transition_of_change() > 0 && in.transition_of_change() <= set.changes.size()) {
    alert->transition = set.changes[in.transition_of_change() - 1].row->transition;
  } else {
    return DamagedRowsError("an alert of it has no transition");
  }
  alert->received_time = Timestamp::FromMillis(in.received_time_ms());
  AlertChange change;
  change.alert = std::move(alert);
  if (!v1::AlertState_IsValid(in.previous_state())) {
    return DamagedRowsError("an alert of it has no previous state");
  }
  if (in.previous_state() != v1::ALERT_STATE_UNSPECIFIED) {
    change.previous_state = static_cast<AlertState>(in.previous_state());
  }
  return change;
}

void EncodeSide(const AlertReport::Side& side, v1::TransitionEvent* out) {
  EncodeTransition(*side.first, out);
  for (const auto& binding : side.bindings) EncodeBinding(*binding, out->add_bindings());
}

absl::StatusOr<AlertReport::Side> DecodeSide(const v1::TransitionEvent& in) {
  AlertReport::Side side;
  ASSIGN_OR_RETURN(side.first, DecodeSharedTransition(in));
  side.bindings.reserve(static_cast<size_t>(in.bindings_size()));
  for (const v1::Binding& stored_binding : in.bindings()) {
    ASSIGN_OR_RETURN(auto binding, DecodeSharedBinding(stored_binding));
    side.bindings.push_back(std::move(binding));
  }
  return side;
}

}  // namespace

absl::Status CheckRowsFormat(std::string_view value) {
  if (value.empty()) return DamagedRowsError("it is empty");
  const auto version = static_cast<uint8_t>(value.front());
  if (version == kRowsFormatVersion) return absl::OkStatus();
  return MakeError(
      "ROWS_FORMAT_UNKNOWN",
      fmt::format(
          "stored in format version {}; this program reads version {}: start the version of the "
          "program that wrote it",
          version, kRowsFormatVersion));
}

absl::Status DamagedRowsError(std::string_view what) {
  return MakeError("ROWS_DAMAGED", fmt::format("damaged: {}", what));
}

EncodedChanges EncodeChanges(const ChangeSet& set) {
  Arena arena;
  auto* message = Arena::CreateMessage<stored::StoredChangeSet>(&arena);
  message->set_sequence(set.sequence.value());
  if (set.gap) EncodeGap(*set.gap, message->mutable_gap());
  EncodedChanges encoded;
  encoded.rows.reserve(set.changes.size());
  for (const RowChange& change : set.changes) {
    stored::StoredChange* const out = message->add_changes();
    EncodeRow(*change.row, out->mutable_row());
    if (change.previous != nullptr) {
      out->mutable_previous()->set_final(change.previous->final);
      out->mutable_previous()->set_match_state(
          static_cast<v1::MatchState>(change.previous->match.state));
    }
    const bool deleted = change.row->operation == Operation::kDelete;
    encoded.rows.push_back(deleted ? std::string() : WithVersion(out->row()));
  }
  for (const AlertChange& change : set.alerts) {
    EncodeAlertChange(change, set, message->add_alerts());
  }
  encoded.set = WithVersion(*message);
  return encoded;
}

absl::StatusOr<JoinedRow> DecodeStoredRow(std::string_view value) {
  Arena arena;
  auto* message = Arena::CreateMessage<stored::StoredRow>(&arena);
  RETURN_IF_ERROR(ParseValue(value, message));
  return DecodeRow(*message);
}

absl::StatusOr<SharedChangeSet> DecodeStoredChangeSet(std::string_view value) {
  Arena arena;
  auto* message = Arena::CreateMessage<stored::StoredChangeSet>(&arena);
  RETURN_IF_ERROR(ParseValue(value, message));
  auto set = std::make_shared<ChangeSet>();
  set->sequence = Sequence(message->sequence());
  set->changes.reserve(static_cast<size_t>(message->changes_size()));
  for (const stored::StoredChange& stored_change : message->changes()) {
    ASSIGN_OR_RETURN(RowChange change, DecodeChange(stored_change));
    set->changes.push_back(std::move(change));
  }
  set->alerts.reserve(static_cast<size_t>(message->alerts_size()));
  for (const stored::StoredAlertChange& stored_change : message->alerts()) {
    ASSIGN_OR_RETURN(AlertChange change, DecodeAlertChange(stored_change, *set));
    set->alerts.push_back(std::move(change));
  }
  if (message->has_gap()) {
    auto gap = DecodeGap(message->gap());
    if (!gap.ok()) return AsDamage(gap.status());
    set->gap = *std::move(gap);
  }
  set->bytes = ApproximateBytes(*set);
  return set;
}

std::string EncodeStoredRawPayload(const RawPayload& payload) {
  Arena arena;
  auto* message = Arena::CreateMessage<v1::RawPayload>(&arena);
  message->set_source(payload.source);
  *message->mutable_received_time() = EncodeTime(payload.received_time);
  message->set_body(payload.body);
  return WithVersion(*message);
}

absl::StatusOr<RawPayload> DecodeStoredRawPayload(std::string_view value) {
  Arena arena;
  auto* message = Arena::CreateMessage<v1::RawPayload>(&arena);
  RETURN_IF_ERROR(ParseValue(value, message));
  const auto received_time = DecodeTime(message->received_time(), "received_time");
  if (!received_time.ok()) return AsDamage(received_time.status());
  return RawPayload{message->source(), *received_time, message->body()};
}

std::string EncodeStoredSource(const SourceStatus& status) {
  Arena arena;
  auto* message = Arena::CreateMessage<v1::SourceStatus>(&arena);
  EncodeSourceStatus(status, message);
  return WithVersion(*message);
}

absl::StatusOr<SourceStatus> DecodeStoredSource(std::string_view value) {
  Arena arena;
  auto* message = Arena::CreateMessage<v1::SourceStatus>(&arena);
  RETURN_IF_ERROR(ParseValue(value, message));
  auto status = DecodeSourceStatus(*message);
  if (!status.ok()) return AsDamage(status.status());
  return status;
}

std::string EncodeStoredReport(const AlertReport& report) {
  Arena arena;
  auto* message = Arena::CreateMessage<stored::StoredReport>(&arena);
  message->set_source(report.source);
  message->set_fingerprint(report.fingerprint);
  message->set_starts_at_ms(report.starts_at.millis());
  if (report.firing) EncodeSide(*report.firing, message->mutable_firing());
  if (report.resolved) EncodeSide(*report.resolved, message->mutable_resolved());
  message->set_last_reported_ms(report.last_reported.millis());
  message->set_received_ms(report.received_time.millis());
  if (report.ends_at) message->set_ends_at_ms(report.ends_at->millis());
  if (report.active_at) message->set_active_at_ms(report.active_at->millis());
  return WithVersion(*message);
}

absl::StatusOr<AlertReport> DecodeStoredReport(std::string_view value) {
  Arena arena;
  auto* message = Arena::CreateMessage<stored::StoredReport>(&arena);
  RETURN_IF_ERROR(ParseValue(value, message));
  AlertReport report;
  report.source = message->source();
  report.fingerprint = message->fingerprint();
  report.starts_at = Timestamp::FromMillis(message->starts_at_ms());
  if (message->has_firing()) {
    ASSIGN_OR_RETURN(report.firing, DecodeSide(message->firing()));
  }
  if (message->has_resolved()) {
    ASSIGN_OR_RETURN(report.resolved, DecodeSide(message->resolved()));
  }
  if (report.gone()) return DamagedRowsError("it has no transition");
  report.last_reported = Timestamp::FromMillis(message->last_reported_ms());
  report.received_time = Timestamp::Max();
  for (const auto& side : {report.firing, report.resolved}) {
    if (side) report.received_time = std::min(report.received_time, side->first->received_time);
  }
  if (message->has_received_ms()) {
    report.received_time = Timestamp::FromMillis(message->received_ms());
  }
  report.ends_at = TimeIf(message->has_ends_at_ms(), message->ends_at_ms());
  report.active_at = TimeIf(message->has_active_at_ms(), message->active_at_ms());
  return report;
}

}  // namespace alertjoin
