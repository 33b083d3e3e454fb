#include "common/config/shown_yaml.h"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <set>

#include "common/status/status.h"

namespace alertjoin {
namespace {

bool IsSeen(const ShownYaml& value) {
  return value.text.has_value() || value.is_list ||
         std::ranges::any_of(value.parts, [](const auto& part) { return IsSeen(*part); });
}

void Emit(const ShownYaml& value, YAML::Emitter& out) {
  if (value.text.has_value()) {
    out << *value.text;
    return;
  }
  if (value.is_list) {
    if (value.parts.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& item : value.parts) Emit(*item, out);
    out << YAML::EndSeq;
    return;
  }
  out << YAML::BeginMap;
  for (const auto& part : value.parts) {
    if (!IsSeen(*part)) continue;
    out << YAML::Key << part->key << YAML::Value;
    Emit(*part, out);
  }
  out << YAML::EndMap;
}

void Collect(const ShownYaml& value, const std::string& path, std::set<std::string>& keys) {
  for (const auto& part : value.parts) {
    if (value.is_list) {
      Collect(*part, path + "[]", keys);
      continue;
    }
    const std::string name = part->any_name ? "*" : part->key;
    const std::string its_path = path.empty() ? name : path + "." + name;
    keys.insert(its_path);
    Collect(*part, its_path, keys);
  }
}

}  // namespace

ShownYaml& ShownYaml::Child(std::string_view name) {
  for (const auto& part : parts) {
    if (part->key == name) return *part;
  }
  parts.push_back(std::make_unique<ShownYaml>());
  parts.back()->key = name;
  return *parts.back();
}

ShownYaml& ShownYaml::Entry(std::string_view name) {
  ShownYaml& entry = Child(name);
  entry.any_name = true;
  return entry;
}

ShownYaml& ShownYaml::Item(size_t position) {
  CHECK(position <= parts.size());
  if (position == parts.size()) parts.push_back(std::make_unique<ShownYaml>());
  return *parts[position];
}

std::string PrintYaml(const ShownYaml& root) {
  YAML::Emitter out;
  Emit(root, out);
  return std::string(out.c_str(), out.size()) + "\n";
}

std::vector<std::string> KeysOf(const ShownYaml& root) {
  std::set<std::string> keys;
  Collect(root, "", keys);
  return {keys.begin(), keys.end()};
}

}  // namespace alertjoin
