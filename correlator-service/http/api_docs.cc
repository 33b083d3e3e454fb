#include "correlator-service/http/api_docs.h"

#include <fmt/format.h>

#include <string_view>

#include "correlator-service/http/http_paths.h"
#include "correlator-service/http/request_parameters.h"

namespace alertjoin {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kHost[] = "127.0.0.1:9751";

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Link(const std::string& full_name, const std::string& name) {
  if (full_name.starts_with("google.protobuf.")) return Escaped(name);
  return fmt::format("<a href=\"#{}\">{}</a>", Escaped(full_name), Escaped(name));
}

std::string TypeOf(const FieldDescriptor& field) {
  if (field.is_map()) {
    return fmt::format("map of text to {}", TypeOf(*field.message_type()->map_value()));
  }
  std::string type = Escaped(field.type_name());
  if (field.message_type() != nullptr) {
    type = Link(field.message_type()->full_name(), field.message_type()->name());
  } else if (field.enum_type() != nullptr) {
    type = Link(field.enum_type()->full_name(), field.enum_type()->name());
  }
  return field.is_repeated() ? "list of " + type : type;
}

std::string Row(const std::string& name, const std::string& type, const std::string& comment) {
  return fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n", Escaped(name),
                     type, Escaped(comment));
}

std::string Fields(const Descriptor& message) {
  if (message.field_count() == 0) return "<p>No fields.</p>\n";
  std::string rows;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    rows += Row(field.json_name(), TypeOf(field), Schema::CommentOf(field));
  }
  return "<table>\n" + rows + "</table>\n";
}

// Where a method that streams is found over HTTP.
std::string StreamOf(const MethodDescriptor& method) {
  for (const StreamPath& stream : kStreamPaths) {
    if (method.name() == stream.method) return stream.path;
  }
  return "";
}

std::string MethodSection(const MethodDescriptor& method) {
  std::string line =
      fmt::format("curl -H 'Content-Type: application/json' -d '{{}}' http://{}/{}/{}", kHost,
                  method.service()->full_name(), method.name());
  if (method.server_streaming()) {
    line = fmt::format("curl -N http://{}{}", kHost, StreamOf(method));
  }
  return fmt::format(
      "<section id=\"{0}\"><h3>{0}</h3>\n<pre class=\"comment\">{1}</pre>\n<pre>{2}</pre>\n"
      "<p>Takes {3}, gives {4}{5}.</p>\n{6}</section>\n",
      Escaped(method.name()), Escaped(Schema::CommentOf(method)), Escaped(line),
      Link(method.input_type()->full_name(), method.input_type()->name()),
      method.server_streaming() ? "a stream of " : "",
      Link(method.output_type()->full_name(), method.output_type()->name()),
      Fields(*method.input_type()));
}

const char* TypeName(FlatType type) {
  switch (type) {
    case FlatType::kText:
      return "text";
    case FlatType::kNumber:
      return "number";
    case FlatType::kInteger:
      return "integer";
    case FlatType::kBoolean:
      return "true or false";
    case FlatType::kTime:
      return "time";
    case FlatType::kLabels:
      break;
  }
  return "labels";
}

std::string TableSection(const FlatTable& table) {
  std::string text = fmt::format("<section id=\"table-{0}\"><h3>{0}</h3>\n<p>{1}</p>\n<pre>",
                                 table.name(), Escaped(table.comment()));
  for (const TableFormat& format : kTableFormats) {
    text += Escaped(
        fmt::format("curl 'http://{}{}?from=now-1d&limit=10'\n", kHost, TablePath(table, format)));
  }
  text += "</pre>\n<p>Parameters: <code>limit</code>, <code>label</code>, <code>time_format</code>";
  for (const auto& parameter : RequestParameters(*table.method().input_type())) {
    text += fmt::format(", <code>{}</code>", Escaped(parameter.name));
  }
  text += ".</p>\n<table>\n";
  for (const FlatColumn& column : table.columns()) {
    text += Row(column.name, TypeName(column.type), column.comment);
  }
  return text + "</table></section>\n";
}

}  // namespace

std::string ApiDocsHtml(const Schema& schema) {
  std::string body;
  std::string contents;
  for (int i = 0; i < schema.service().method_count(); ++i) {
    const std::string name = Escaped(schema.service().method(i)->name());
    contents += fmt::format("<li><a href=\"#{0}\">{0}</a></li>\n", name);
    body += MethodSection(*schema.service().method(i));
  }
  body += "<h2>Tables</h2>\n";
  for (const FlatTable* const table : FlatTables()) {
    contents += fmt::format("<li><a href=\"#table-{0}\">{0} as a table</a></li>\n", table->name());
    body += TableSection(*table);
  }
  body += fmt::format(
      "<h2>Annotations</h2>\n<p>Firing periods for Grafana.</p>\n"
      "<pre>curl 'http://{}{}?from=now-1d'</pre>\n<h2>Messages</h2>\n",
      kHost, kAnnotationsPath);
  for (const auto* const message : schema.messages()) {
    body += fmt::format("<section id=\"{}\"><h3>{}</h3>\n<p>{}</p>\n{}</section>\n",
                        Escaped(message->full_name()), Escaped(message->name()),
                        Escaped(Schema::CommentOf(*message)), Fields(*message));
  }
  for (const auto* const type : schema.enums()) {
    body += fmt::format("<section id=\"{}\"><h3>{}</h3>\n<p>{}</p>\n<table>\n",
                        Escaped(type->full_name()), Escaped(type->name()),
                        Escaped(Schema::CommentOf(*type)));
    for (int i = 0; i < type->value_count(); ++i) {
      body += Row(type->value(i)->name(), "", Schema::CommentOf(*type->value(i)));
    }
    body += "</table></section>\n";
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>alertjoin: the API</title>"
      "<link rel=\"stylesheet\" href=\"/docs.css\"></head>\n<body><h1>alertjoin: the API</h1>\n"
      "<p>{}</p>\n<p>For programs: <a href=\"/openapi.json\">openapi.json</a>. Over gRPC the same "
      "calls are at port 9750.</p>\n<ul>\n{}</ul>\n<h2>Calls</h2>\n{}</body></html>\n",
      Escaped(Schema::CommentOf(schema.service())), contents, body);
}

std::string ApiDocsCss() {
  return R"(:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1rem; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid #8886; }
pre.comment { border: 0; padding: 0; white-space: pre-wrap; }
table { border-collapse: collapse; }
td { border: 1px solid #8886; padding: .2rem .5rem; vertical-align: top; white-space: pre-wrap; }
h3 { margin-top: 2rem; }
)";
}

}  // namespace alertjoin
