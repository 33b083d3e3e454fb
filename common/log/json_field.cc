#include "common/log/json_field.h"

#include <nlohmann/json.hpp>

#include "common/log/logfmt.h"

namespace alertjoin {
namespace {

std::string Quoted(std::string text) {
  using nlohmann::json;
  return json(std::move(text)).dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

void AppendJsonField(std::string_view key, std::string_view value, std::string& out) {
  std::string shown(value.substr(0, kLogValueBytesMax));
  if (value.size() > kLogValueBytesMax) shown += "...";
  out += Quoted(std::string(key));
  out += ':';
  out += Quoted(std::move(shown));
}

}  // namespace alertjoin
