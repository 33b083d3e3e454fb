#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace alertjoin {

// Messages whose type is known by its description only.

constexpr char kCorrelatorService[] = "alertjoin.v1.CorrelatorService";
const google::protobuf::ServiceDescriptor& CorrelatorServiceDescriptor();
// "/package.Service/Method".
std::string MethodPath(const google::protobuf::MethodDescriptor& method);

// An empty message of a type that is compiled in.
std::unique_ptr<google::protobuf::Message> NewMessage(const google::protobuf::Descriptor* type);

// Proto3 JSON in one line: names in lowerCamelCase, default values left out. INTERNAL when the
// message has a time that JSON has no form for.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

}  // namespace alertjoin
