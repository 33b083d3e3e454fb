#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "alertjoin/v1/joined_row.pb.h"
#include "common/status/error_reason.h"
#include "correlator-service/rows/alert_filter.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {

// The filter of a request, field by field. The enums' zero means "any". INVALID_ARGUMENT, reason
// INVALID_FILTER, with the field at fault: a filter that does not parse (ParseMatchers), an enum
// value that this release does not know.
absl::StatusOr<RowFilter> DecodeRowFilter(const std::string& filter, v1::AlertState state,
                                          const std::string& query_name, bool final_only,
                                          v1::MatchState match_state = v1::MATCH_STATE_UNSPECIFIED);

// The same for alerts.
absl::StatusOr<AlertFilter> DecodeAlertFilter(const std::string& filter, v1::AlertState state,
                                              const std::string& source);

// An INVALID_ARGUMENT for one field of a request: "field: why", with reason and BadRequest.
absl::Status InvalidField(InvalidArgument reason, const std::string& field, const std::string& why);

}  // namespace alertjoin
