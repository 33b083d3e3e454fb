#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alertjoin {

// What was read of one value of a configuration, defaults included, and of what is below it. Plain
// data; references to parts stay valid while more is added.
struct ShownYaml {
  std::string key;        // Empty for the entries of a list and the root.
  bool any_name = false;  // The key is a name that the user chose.
  std::optional<std::string> text;
  bool is_list = false;
  std::vector<std::unique_ptr<ShownYaml>> parts;

  // The part with this key, made when it is not there.
  ShownYaml& Child(std::string_view name);
  // The same for a key that the user chose.
  ShownYaml& Entry(std::string_view name);
  // The part at this position, made when it is the next one. REQUIRES: no more than that.
  ShownYaml& Item(size_t position);
};

// As YAML, without the parts in which nothing was read.
std::string PrintYaml(const ShownYaml& root);

// The paths of all keys, sorted, each once: "a.b", "list[].key"; "*" for a key of the user's.
std::vector<std::string> KeysOf(const ShownYaml& root);

}  // namespace alertjoin
