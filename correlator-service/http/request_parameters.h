#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Fields of requests as parameters of an address, by their proto names: `state=firing`,
// `final_only=true`, `snapshot_window=1h`, `from=now-1d`. The fields of a selector in it need no
// prefix: `query_name` is `series.query_name` where there is no such field beside it.

// Sets the field. A text is taken as it is; an enum by its value's name in any case, its common
// prefix left out or not; a boolean as true, false, 1 or 0; a duration as Prometheus writes it
// (ParseDuration); a time as ParseTimePoint takes it, with this `now`. INVALID_ARGUMENT, reason
// INVALID_PARAMETER, with the name, for a value that is none, and for a parameter that the request
// does not have; then the message lists those that there are, and `others`.
absl::Status SetParameter(const std::string& name, const std::string& value, Timestamp now,
                          google::protobuf::Message* request,
                          const std::vector<std::string>& others = {});

// The parameters that a request has.
struct RequestParameter {
  std::string name;
  const google::protobuf::FieldDescriptor* field;
};
std::vector<RequestParameter> RequestParameters(const google::protobuf::Descriptor& request);

// An enum's value without what all of them begin with: FIRING of ALERT_STATE_FIRING.
std::string ShortName(const google::protobuf::EnumValueDescriptor& value);

}  // namespace alertjoin
