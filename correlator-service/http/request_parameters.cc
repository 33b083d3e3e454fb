#include "correlator-service/http/request_parameters.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "common/event/event_parts.h"
#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/time_point.h"
#include "correlator-service/codec/filter_codec.h"

namespace alertjoin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kTimestamp[] = "google.protobuf.Timestamp";
constexpr char kDuration[] = "google.protobuf.Duration";
constexpr char kSelector[] = "alertjoin.v1.SeriesSelector";

absl::Status Invalid(const std::string& name, const std::string& why) {
  return InvalidField("INVALID_PARAMETER", name, why);
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

// ALERT_STATE_ of AlertState.
std::string PrefixOf(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !prefix.empty()) prefix += '_';
    prefix += c;
  }
  return Upper(prefix) + "_";
}

const EnumValueDescriptor* FindValue(const EnumDescriptor& type, const std::string& text) {
  const std::string name = Upper(text);
  const auto* const whole = type.FindValueByName(name);
  return whole != nullptr ? whole : type.FindValueByName(PrefixOf(type) + name);
}

std::string ValuesOf(const EnumDescriptor& type) {
  std::string values;
  for (int i = 1; i < type.value_count(); ++i) {
    if (!values.empty()) values += ", ";
    values += ShortName(*type.value(i));
  }
  return values;
}

bool IsMessage(const FieldDescriptor& field, const char* type) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == type;
}

bool IsParameter(const FieldDescriptor& field) {
  return !field.is_repeated() && field.name() != "page_size" && field.name() != "page_token" &&
         (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsMessage(field, kTimestamp) ||
          IsMessage(field, kDuration));
}

absl::Status SetMessage(const FieldDescriptor& field, const std::string& name,
                        const std::string& value, Timestamp now, Message* message) {
  if (IsMessage(field, kTimestamp)) {
    const auto time = ParseTimePoint(value, now);
    if (!time.ok()) return Invalid(name, MessageOf(time.status()));
    message->CopyFrom(EncodeTime(*time));
    return absl::OkStatus();
  }
  const auto span = ParseDuration(value);
  if (!span.ok()) return Invalid(name, MessageOf(span.status()));
  message->CopyFrom(EncodeSpan(*span));
  return absl::OkStatus();
}

template <typename Number>
absl::StatusOr<Number> ParseNumber(const std::string& name, const std::string& value) {
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) {
    return Invalid(name, fmt::format("expected a number, found {}", Excerpt(value)));
  }
  return number;
}

absl::Status SetField(const FieldDescriptor& field, const std::string& name,
                      const std::string& value, Timestamp now, Message* message) {
  const auto* const reflection = message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(message, &field, value);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value != "true" && value != "1" && value != "false" && value != "0") {
        return Invalid(name, fmt::format("expected true or false, found {}", Excerpt(value)));
      }
      reflection->SetBool(message, &field, value == "true" || value == "1");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* const found = FindValue(*field.enum_type(), value);
      if (found == nullptr) {
        return Invalid(name, fmt::format("expected one of {}, found {}",
                                         ValuesOf(*field.enum_type()), Excerpt(value)));
      }
      reflection->SetEnum(message, &field, found);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT32: {
      ASSIGN_OR_RETURN(const int32_t number, ParseNumber<int32_t>(name, value));
      reflection->SetInt32(message, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      ASSIGN_OR_RETURN(const double number, ParseNumber<double>(name, value));
      reflection->SetDouble(message, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetMessage(field, name, value, now, reflection->MutableMessage(message, &field));
    default:
      return Invalid(name, "cannot be given in an address");
  }
}

const FieldDescriptor* SelectorOf(const Descriptor& request) {
  for (int i = 0; i < request.field_count(); ++i) {
    if (!request.field(i)->is_repeated() && IsMessage(*request.field(i), kSelector)) {
      return request.field(i);
    }
  }
  return nullptr;
}

absl::Status Unknown(const std::string& name, const Descriptor& request,
                     std::vector<std::string> known) {
  for (const RequestParameter& parameter : RequestParameters(request)) {
    known.push_back(parameter.name);
  }
  std::sort(known.begin(), known.end());
  return Invalid(Excerpt(name),
                 fmt::format("no such parameter: there are {}", fmt::join(known, ", ")));
}

}  // namespace

std::string ShortName(const EnumValueDescriptor& value) {
  const std::string prefix = PrefixOf(*value.type());
  return value.name().starts_with(prefix) ? value.name().substr(prefix.size()) : value.name();
}

std::vector<RequestParameter> RequestParameters(const Descriptor& request) {
  std::vector<RequestParameter> parameters;
  for (int i = 0; i < request.field_count(); ++i) {
    if (IsParameter(*request.field(i))) {
      parameters.push_back({request.field(i)->name(), request.field(i)});
    }
  }
  const auto* const selector = SelectorOf(request);
  for (int i = 0; selector != nullptr && i < selector->message_type()->field_count(); ++i) {
    const auto* const field = selector->message_type()->field(i);
    if (request.FindFieldByName(field->name()) == nullptr) {
      parameters.push_back({field->name(), field});
    }
  }
  return parameters;
}

absl::Status SetParameter(const std::string& name, const std::string& value, Timestamp now,
                          Message* request, const std::vector<std::string>& others) {
  const Descriptor& type = *request->GetDescriptor();
  for (const RequestParameter& parameter : RequestParameters(type)) {
    if (parameter.name != name) continue;
    const bool nested = parameter.field->containing_type() != &type;
    Message* const message =
        nested ? request->GetReflection()->MutableMessage(request, SelectorOf(type)) : request;
    return SetField(*parameter.field, name, value, now, message);
  }
  return Unknown(name, type, others);
}

}  // namespace alertjoin
