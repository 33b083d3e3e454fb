#pragma once

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace alertjoin {

// The FileDescriptorSet of all protos, with their comments; what is installed as
// alertjoin.protoset. Lives as long as the process.
std::string_view SerialisedSchema();

// What the protos say of the service, comments and all: what the docs are made from. Immutable.
class Schema {
 public:
  Schema();

  // alertjoin.v1.CorrelatorService.
  const google::protobuf::ServiceDescriptor& service() const { return *service_; }
  // Messages and enums that its methods take, give or hold, but for google.protobuf's; by name.
  const std::vector<const google::protobuf::Descriptor*>& messages() const { return messages_; }
  const std::vector<const google::protobuf::EnumDescriptor*>& enums() const { return enums_; }

  // The comment above a method, message, field, enum or value, without its leading spaces.
  template <typename Described>
  static std::string CommentOf(const Described& described) {
    google::protobuf::SourceLocation location;
    return described.GetSourceLocation(&location) ? Trimmed(location.leading_comments) : "";
  }

 private:
  static std::string Trimmed(const std::string& comment);
  void Add(const google::protobuf::Descriptor& message);

  google::protobuf::DescriptorPool pool_;
  const google::protobuf::ServiceDescriptor* service_;
  std::vector<const google::protobuf::Descriptor*> messages_;
  std::vector<const google::protobuf::EnumDescriptor*> enums_;
  std::set<std::string> seen_;
};

}  // namespace alertjoin
