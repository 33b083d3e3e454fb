#include "correlator-service/http/open_api.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "correlator-service/http/flat_table.h"
#include "correlator-service/http/http_paths.h"
#include "correlator-service/http/request_parameters.h"

namespace alertjoin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::ordered_json;

ordered_json Reference(const std::string& name) {
  return {{"$ref", "#/components/schemas/" + name}};
}

// One value of the field, in proto3's JSON.
ordered_json ValueOf(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
      return {{"type", "integer"}};
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
      return {{"type", "string"}, {"format", "int64"}};
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return {{"oneOf",
               {{{"type", "number"}},
                {{"type", "string"}, {"enum", {"NaN", "Infinity", "-Infinity"}}}}}};
    case FieldDescriptor::CPPTYPE_ENUM:
      return Reference(field.enum_type()->full_name());
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
    default:
      return {{"type", "string"}};
  }
  const std::string& name = field.message_type()->full_name();
  if (name == "google.protobuf.Timestamp") return {{"type", "string"}, {"format", "date-time"}};
  if (name == "google.protobuf.Duration") return {{"type", "string"}, {"example", "15s"}};
  return Reference(name);
}

ordered_json FieldSchema(const FieldDescriptor& field) {
  ordered_json schema;
  if (field.is_map()) {
    schema = {{"type", "object"},
              {"additionalProperties", ValueOf(*field.message_type()->map_value())}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", ValueOf(field)}};
  } else {
    schema = ValueOf(field);
  }
  const std::string comment = Schema::CommentOf(field);
  // Beside a reference nothing else may stand.
  if (!comment.empty() && !schema.contains("$ref")) schema["description"] = comment;
  return schema;
}

ordered_json MessageSchema(const Descriptor& message) {
  ordered_json properties = ordered_json::object();
  for (int i = 0; i < message.field_count(); ++i) {
    properties[message.field(i)->json_name()] = FieldSchema(*message.field(i));
  }
  return {
      {"type", "object"}, {"description", Schema::CommentOf(message)}, {"properties", properties}};
}

ordered_json Content(const char* type, const ordered_json& schema) {
  return {{type, {{"schema", schema}}}};
}

ordered_json Responses(const char* type, const ordered_json& schema, const char* what) {
  return {{"200", {{"description", what}, {"content", Content(type, schema)}}},
          {"default",
           {{"description", "An error"},
            {"content", Content("application/json", Reference("connect.Error"))}}}};
}

ordered_json Parameter(const std::string& name, const std::string& comment,
                       const ordered_json& schema) {
  return {{"name", name}, {"in", "query"}, {"description", comment}, {"schema", schema}};
}

// The fields of a request as parameters of an address.
ordered_json ParametersOf(const Descriptor& request) {
  ordered_json parameters = ordered_json::array();
  for (const RequestParameter& parameter : RequestParameters(request)) {
    ordered_json schema = {{"type", "string"}};
    if (parameter.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      schema = {{"type", "boolean"}};
    } else if (const auto* const type = parameter.field->enum_type()) {
      for (int i = 1; i < type->value_count(); ++i) {
        schema["enum"].push_back(ShortName(*type->value(i)));
      }
    }
    parameters.push_back(Parameter(parameter.name, Schema::CommentOf(*parameter.field), schema));
  }
  return parameters;
}

ordered_json ColumnSchema(const FlatColumn& column) {
  ordered_json schema = {{"nullable", true}, {"description", column.comment}};
  switch (column.type) {
    case FlatType::kText:
      schema["type"] = "string";
      break;
    case FlatType::kNumber:
      schema["oneOf"] = {{{"type", "number"}},
                         {{"type", "string"}, {"enum", {"NaN", "Infinity", "-Infinity"}}}};
      break;
    case FlatType::kInteger:
      schema["type"] = "integer";
      break;
    case FlatType::kBoolean:
      schema["type"] = "boolean";
      break;
    case FlatType::kTime:
      schema["oneOf"] = {{{"type", "string"}, {"format", "date-time"}}, {{"type", "integer"}}};
      break;
    case FlatType::kLabels:
      schema["type"] = "object";
      schema["additionalProperties"] = {{"type", "string"}};
      break;
  }
  return schema;
}

void AddTables(const Schema& schema, ordered_json& document) {
  for (const FlatTable* const table : FlatTables()) {
    const auto* const method = schema.service().FindMethodByName(table->method().name());
    const std::string row = fmt::format("flat.{}", table->name());
    ordered_json properties;
    for (const FlatColumn& column : table->columns()) {
      properties[column.name] = ColumnSchema(column);
    }
    document["components"]["schemas"][row] = {{"type", "object"}, {"properties", properties}};
    ordered_json parameters = ParametersOf(*method->input_type());
    parameters.push_back(
        Parameter("limit", "At most so many rows. Default: all.", {{"type", "integer"}}));
    parameters.push_back(Parameter("label", "A label that gets a column, label_<name>; repeatable.",
                                   {{"type", "array"}, {"items", {{"type", "string"}}}}));
    parameters.push_back(Parameter("time_format", "rfc3339 (default), or ms since the epoch.",
                                   {{"type", "string"}, {"enum", {"rfc3339", "ms"}}}));
    const ordered_json rows = {{"type", "array"}, {"items", Reference(row)}};
    const ordered_json text = {{"type", "string"}};
    for (const TableFormat& format : kTableFormats) {
      const bool is_json = format.format == FlatFormat::kJson;
      document["paths"][TablePath(*table, format)]["get"] = {
          {"operationId", fmt::format("{}_{}", table->name(), format.ending)},
          {"summary", table->comment()},
          {"parameters", parameters},
          {"responses", Responses(format.media_type, is_json ? rows : text, "The rows")}};
    }
  }
}

}  // namespace

std::string OpenApiJson(const Schema& schema) {
  ordered_json document = {
      {"openapi", "3.0.3"},
      {"info",
       {{"title", "alertjoin correlator-service"},
        {"version", ALERTJOIN_VERSION},
        {"description", "What the metrics were when alerts fired and when they were resolved."}}},
      {"paths", ordered_json::object()}};
  ordered_json& schemas = document["components"]["schemas"];
  for (const auto* const message : schema.messages()) {
    schemas[message->full_name()] = MessageSchema(*message);
  }
  for (const auto* const type : schema.enums()) {
    ordered_json& values = schemas[type->full_name()];
    values = {{"type", "string"}, {"description", Schema::CommentOf(*type)}};
    for (int i = 0; i < type->value_count(); ++i) values["enum"].push_back(type->value(i)->name());
  }
  schemas["connect.Error"] = {
      {"type", "object"},
      {"properties",
       {{"code", {{"type", "string"}}},
        {"message", {{"type", "string"}}},
        {"details", {{"type", "array"}, {"items", {{"type", "object"}}}}}}}};
  for (int i = 0; i < schema.service().method_count(); ++i) {
    const auto& method = *schema.service().method(i);
    if (method.server_streaming()) continue;
    document["paths"]["/" + schema.service().full_name() + "/" + method.name()]["post"] = {
        {"operationId", method.name()},
        {"description", Schema::CommentOf(method)},
        {"requestBody",
         {{"content", Content("application/json", Reference(method.input_type()->full_name()))}}},
        {"responses", Responses("application/json", Reference(method.output_type()->full_name()),
                                "The answer")}};
  }
  AddTables(schema, document);
  for (const StreamPath& stream : kStreamPaths) {
    const auto& method = *schema.service().FindMethodByName(stream.method);
    document["paths"][stream.path]["get"] = {
        {"operationId", std::string("stream") + stream.method},
        {"description", Schema::CommentOf(method)},
        {"parameters", ParametersOf(*method.input_type())},
        {"responses", Responses("text/event-stream", {{"type", "string"}}, "Events")}};
  }
  ordered_json parameters =
      ParametersOf(*schema.service().FindMethodByName("ListAlerts")->input_type());
  parameters.push_back(
      Parameter("limit", "At most so many. Default: 1,000.", {{"type", "integer"}}));
  document["paths"][kAnnotationsPath]["get"] = {
      {"operationId", "annotations"},
      {"summary", "Firing periods, as Grafana draws annotations."},
      {"parameters", parameters},
      {"responses",
       Responses("application/json", {{"type", "array"}, {"items", {{"type", "object"}}}},
                 "Annotations, newest start first")}};
  return document.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace alertjoin
