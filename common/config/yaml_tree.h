#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace alertjoin {

constexpr size_t kYamlBytesMax = 1 << 20;
constexpr int kYamlDepthMax = 32;

// A place in a text, as people count: from 1.
struct YamlPosition {
  int line = 1;
  int column = 1;
};

// One value of a YAML text with its place. Plain data.
struct YamlValue {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry {
    std::string key;
    YamlPosition key_position;
    std::unique_ptr<YamlValue> value;
  };

  Kind kind = Kind::kNull;
  YamlPosition position;
  std::string text;                               // Of a scalar.
  std::vector<std::unique_ptr<YamlValue>> items;  // Of a list.
  std::vector<Entry> entries;                     // Of a map, in order; each key once.
};

// Why a text is no YAML that we take.
struct YamlSyntaxFault {
  YamlPosition position;
  std::string message;
};

// Parses a single document; a text without one is a null value. Faults: bad syntax, doubled keys,
// keys that are no scalars, aliases, tags other than !!str, a second document, NUL bytes, more than
// kYamlBytesMax bytes or kYamlDepthMax levels. Any bytes are safe to give.
std::variant<std::unique_ptr<YamlValue>, YamlSyntaxFault> ParseYaml(std::string_view text);

}  // namespace alertjoin
