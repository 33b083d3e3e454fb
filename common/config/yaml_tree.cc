#include "common/config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kStringTag[] = "tag:yaml.org,2002:str";

YamlPosition PositionOf(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

// Leaves yaml-cpp's parser, which has no other way out; caught in ParseYaml.
struct Refused {
  YamlSyntaxFault fault;
};

// Builds the tree from the parser's events: unlike YAML::Node they tell doubled keys and aliases.
class TreeBuilder final : public YAML::EventHandler {
 public:
  std::unique_ptr<YamlValue> TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) Refuse(mark, "a second document begins here; put everything into one");
  }
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not supported; repeat the value");
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (AwaitsKey()) Refuse(mark, "an empty key");
    Add(mark, YamlValue::Kind::kNull);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    CheckTag(mark, tag, true);
    if (AwaitsKey()) {
      TakeKey(mark, value);
    } else {
      Add(mark, YamlValue::Kind::kScalar)->text = value;
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, YamlValue::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, YamlValue::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct OpenValue {
    YamlValue* value;
    // Of a map: where each key stood first, and whether a value is awaited for the newest.
    std::map<std::string, YamlPosition> keys;
    bool awaits_value = false;
  };

  [[noreturn]] static void Refuse(const YAML::Mark& mark, std::string message) {
    throw Refused{{PositionOf(mark), std::move(message)}};
  }

  static void CheckTag(const YAML::Mark& mark, const std::string& tag, bool scalar) {
    if (tag.empty() || tag == "?" || tag == "!" || (scalar && tag == kStringTag)) return;
    // Not which one: it may be a password that begins so.
    Refuse(mark, "a tag is not supported: a text that begins with ! needs quotes");
  }

  bool AwaitsKey() const {
    return !open_.empty() && open_.back().value->kind == YamlValue::Kind::kMap &&
           !open_.back().awaits_value;
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key) {
    OpenValue& map = open_.back();
    const auto [first, is_new] = map.keys.emplace(key, PositionOf(mark));
    if (!is_new) {
      Refuse(mark, fmt::format("key \"{}\" is doubled; it stands in line {}, too", Excerpt(key),
                               first->second.line));
    }
    map.value->entries.push_back({key, PositionOf(mark), nullptr});
    map.awaits_value = true;
  }

  YamlValue* Add(const YAML::Mark& mark, YamlValue::Kind kind) {
    auto value = std::make_unique<YamlValue>();
    value->kind = kind;
    value->position = PositionOf(mark);
    YamlValue* const added = value.get();
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (OpenValue& parent = open_.back(); parent.value->kind == YamlValue::Kind::kList) {
      parent.value->items.push_back(std::move(value));
    } else {
      // An empty value's mark is where the next token stands: its key says more.
      if (kind == YamlValue::Kind::kNull) {
        added->position = parent.value->entries.back().key_position;
      }
      parent.value->entries.back().value = std::move(value);
      parent.awaits_value = false;
    }
    return added;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YamlValue::Kind kind) {
    if (open_.size() >= static_cast<size_t>(kYamlDepthMax)) {
      Refuse(mark, fmt::format("nested deeper than {} levels", kYamlDepthMax));
    }
    if (AwaitsKey()) Refuse(mark, "a key that is no plain text");
    CheckTag(mark, tag, false);
    open_.push_back({Add(mark, kind), {}, false});
  }

  std::unique_ptr<YamlValue> root_;
  std::vector<OpenValue> open_;
};

YamlPosition PositionAt(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line_start = before.rfind('\n');
  const size_t column = line_start == before.npos ? offset : offset - line_start - 1;
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(column) + 1};
}

}  // namespace

std::variant<std::unique_ptr<YamlValue>, YamlSyntaxFault> ParseYaml(std::string_view text) {
  if (text.size() > kYamlBytesMax) {
    return YamlSyntaxFault{{}, fmt::format("larger than {} bytes", kYamlBytesMax)};
  }
  if (const size_t nul = text.find('\0'); nul != text.npos) {
    return YamlSyntaxFault{PositionAt(text, nul), "a NUL byte: this is no YAML in UTF-8"};
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder;
    // The second call refuses a second document.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
    auto root = builder.TakeRoot();
    return root ? std::move(root) : std::make_unique<YamlValue>();
  } catch (const Refused& refused) {
    return refused.fault;
  } catch (const YAML::Exception& error) {
    return YamlSyntaxFault{PositionOf(error.mark), fmt::format("not YAML: {}", error.msg)};
  } catch (const std::exception& error) {
    return YamlSyntaxFault{{}, fmt::format("not YAML: {}", error.what())};
  }
}

}  // namespace alertjoin
