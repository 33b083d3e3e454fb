#include "correlator-service/http/schema.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>

#include "common/status/status.h"
#include "correlator-service/http/messages.h"

namespace alertjoin {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

Schema::Schema() {
  google::protobuf::FileDescriptorSet files;
  const std::string_view bytes = SerialisedSchema();
  CHECK(files.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  // protoc puts each file behind those that it needs.
  for (const auto& file : files.file()) CHECK(pool_.BuildFile(file) != nullptr);
  service_ = pool_.FindServiceByName(kCorrelatorService);
  CHECK(service_ != nullptr);
  for (int i = 0; i < service_->method_count(); ++i) {
    Add(*service_->method(i)->input_type());
    Add(*service_->method(i)->output_type());
  }
  const auto by_name = [](const auto* a, const auto* b) { return a->full_name() < b->full_name(); };
  std::sort(messages_.begin(), messages_.end(), by_name);
  std::sort(enums_.begin(), enums_.end(), by_name);
}

void Schema::Add(const Descriptor& message) {
  if (message.file()->package() == "google.protobuf") return;
  if (!seen_.insert(message.full_name()).second) return;
  // What a map consists of is told with its field.
  if (!message.options().map_entry()) messages_.push_back(&message);
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.message_type() != nullptr) Add(*field.message_type());
    if (field.enum_type() != nullptr && seen_.insert(field.enum_type()->full_name()).second) {
      enums_.push_back(field.enum_type());
    }
  }
}

std::string Schema::Trimmed(const std::string& comment) {
  std::string text;
  for (size_t at = 0; at < comment.size();) {
    const size_t end = std::min(comment.find('\n', at), comment.size());
    if (at < end && comment[at] == ' ') ++at;
    text.append(comment, at, end - at);
    text += '\n';
    at = end + 1;
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace alertjoin
