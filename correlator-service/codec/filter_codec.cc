#include "correlator-service/codec/filter_codec.h"

#include <fmt/format.h>

#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::StatusOr<std::optional<AlertState>> DecodeState(v1::AlertState state) {
  if (!v1::AlertState_IsValid(state)) {
    return InvalidField("INVALID_FILTER", "state",
                        fmt::format("{} is no AlertState", static_cast<int>(state)));
  }
  if (state == v1::ALERT_STATE_UNSPECIFIED) return std::nullopt;
  return static_cast<AlertState>(state);
}

}  // namespace

absl::Status InvalidField(InvalidArgument reason, const std::string& field,
                          const std::string& why) {
  return MakeError(reason, fmt::format("{}: {}", field, why), {{}, {{field, why}}, {}});
}

absl::StatusOr<RowFilter> DecodeRowFilter(const std::string& filter, v1::AlertState state,
                                          const std::string& query_name, bool final_only,
                                          v1::MatchState match_state) {
  RowFilter decoded;
  ASSIGN_OR_RETURN(decoded.matchers, ParseMatchers(filter));
  ASSIGN_OR_RETURN(decoded.state, DecodeState(state));
  if (!v1::MatchState_IsValid(match_state)) {
    return InvalidField("INVALID_FILTER", "match_state",
                        fmt::format("{} is no MatchState", static_cast<int>(match_state)));
  }
  if (match_state != v1::MATCH_STATE_UNSPECIFIED) {
    decoded.match_state = static_cast<MatchState>(match_state);
  }
  decoded.query_name = query_name;
  decoded.final_only = final_only;
  return decoded;
}

absl::StatusOr<AlertFilter> DecodeAlertFilter(const std::string& filter, v1::AlertState state,
                                              const std::string& source) {
  AlertFilter decoded;
  ASSIGN_OR_RETURN(decoded.matchers, ParseMatchers(filter));
  ASSIGN_OR_RETURN(decoded.state, DecodeState(state));
  decoded.source = source;
  return decoded;
}

}  // namespace alertjoin
