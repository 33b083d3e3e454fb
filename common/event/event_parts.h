#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "alertjoin/v1/events.pb.h"
#include "common/event/event.h"

namespace alertjoin {

// Parts of events that the correlator's answers share.
void EncodeQuery(const Query& query, v1::Query* out);
void EncodeLabels(const LabelSet& labels, google::protobuf::Map<std::string, std::string>* out);
void EncodeNotification(const Notification& notification, v1::Notification* out);
void EncodeProgress(const QueryProgress& progress, v1::QueryProgress* out);
void EncodeGap(const Gap& gap, v1::Gap* out);
void EncodeQueryError(const QueryError& error, v1::QueryError* out);
void EncodeSourceStatus(const SourceStatus& status, v1::SourceStatus* out);

// The way back. No rule but those of types is checked: an enum without a value stays outside its
// range, for CheckEvent to name.
Query DecodeQuery(const v1::Query& query);
LabelSet DecodeLabels(const google::protobuf::Map<std::string, std::string>& labels);
Notification DecodeNotification(const v1::Notification& notification);
// INVALID_ARGUMENT, reason MALFORMED_EVENT, for a bad time; names the field.
absl::StatusOr<Gap> DecodeGap(const v1::Gap& gap);
// The same, and for a required field that is absent.
absl::StatusOr<QueryError> DecodeQueryError(const v1::QueryError& error);
absl::StatusOr<SourceStatus> DecodeSourceStatus(const v1::SourceStatus& status);

// google.protobuf.Timestamp and Duration.
google::protobuf::Timestamp EncodeTime(Timestamp time);
google::protobuf::Duration EncodeSpan(Millis span);
// Floored to milliseconds; INVALID_ARGUMENT outside years 1 to 9999 or with bad nanos.
absl::StatusOr<Timestamp> DecodeTime(const google::protobuf::Timestamp& time);
// The same with reason MALFORMED_EVENT and the name of the field.
absl::StatusOr<Timestamp> DecodeTime(const google::protobuf::Timestamp& time,
                                     std::string_view field);
// Floored to milliseconds; INVALID_ARGUMENT when malformed, or beyond 10,000 years.
absl::StatusOr<Millis> DecodeSpan(const google::protobuf::Duration& span);

}  // namespace alertjoin
