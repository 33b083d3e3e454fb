#include "common/config/yaml_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "common/config/secret.h"
#include "common/config/shown_yaml.h"
#include "common/config/yaml_tree.h"
#include "common/status/status.h"
#include "common/time/duration.h"

namespace alertjoin {
namespace {

// The whole text as a number; nothing when it is none or does not fit.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<uint64_t> ParseBytes(std::string_view text) {
  constexpr std::pair<std::string_view, int> kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  int shift = 0;
  for (const auto& [unit, unit_shift] : kUnits) {
    if (text.ends_with(unit)) {
      text.remove_suffix(unit.size());
      shift = unit_shift;
      break;
    }
  }
  const auto number = ParseNumber<uint64_t>(text);
  if (!number.has_value() || *number > UINT64_MAX >> shift) return std::nullopt;
  return *number << shift;
}

std::string ShowBytes(uint64_t bytes) {
  if (bytes != 0 && bytes % (1 << 30) == 0) return fmt::format("{}GiB", bytes >> 30);
  if (bytes != 0 && bytes % (1 << 20) == 0) return fmt::format("{}MiB", bytes >> 20);
  if (bytes != 0 && bytes % (1 << 10) == 0) return fmt::format("{}KiB", bytes >> 10);
  return fmt::format("{}", bytes);
}

const YamlValue& NullValue() {
  static const YamlValue null;
  return null;
}

}  // namespace

struct YamlDocument::Shared {
  std::string name;
  std::unique_ptr<YamlValue> root;
  std::optional<std::string> fault;
  bool fault_is_missing_key = false;
  // Of the maps that were read: the keys asked for.
  std::map<const YamlValue*, std::set<std::string, std::less<>>> known_keys;
  std::vector<std::unique_ptr<YamlValue>> default_lists;
  ShownYaml shown;

  std::string Where(YamlPosition position) const {
    return fmt::format("{}:{}:{}", name, position.line, position.column);
  }
  void Record(YamlPosition position, std::string_view message, bool missing_key = false) {
    if (fault.has_value() && (!fault_is_missing_key || missing_key)) return;
    fault = fmt::format("{}: {}", Where(position), message);
    fault_is_missing_key = missing_key;
  }
};

struct YamlNode::State {
  YamlDocument::Shared* document;
  const YamlValue* value;  // NullValue() when absent.
  YamlPosition position;
  std::string name;  // The key; empty for a list's entries and the root.
  ShownYaml* shown;
};

bool YamlNode::present() const { return state_->value->kind != YamlValue::Kind::kNull; }

bool YamlNode::given() const { return present() || state_->value != &NullValue(); }

std::string YamlNode::where() const { return state_->document->Where(state_->position); }

void YamlNode::Fault(std::string_view message) const {
  state_->document->Record(state_->position, message);
}

YamlNode YamlNode::Child(std::string_view name) {
  const YamlValue& value = *state_->value;
  auto child = std::make_shared<State>(State{state_->document, &NullValue(), state_->position,
                                             std::string(name), &state_->shown->Child(name)});
  if (present() && value.kind != YamlValue::Kind::kMap) {
    Fault(fmt::format("expected a map with keys such as \"{}\"", name));
  }
  state_->document->known_keys[&value].emplace(name);
  for (const YamlValue::Entry& entry : value.entries) {
    if (entry.key != name) continue;
    child->value = entry.value.get();
    child->position = entry.value->position;
  }
  return YamlNode(std::move(child));
}

std::vector<YamlNode> YamlNode::Items(std::string_view default_list) {
  std::vector<YamlNode> items;
  if (present() && state_->value->kind != YamlValue::Kind::kList) Fault("expected a list");
  const YamlValue* list = state_->value;
  if (!present() && !default_list.empty()) {
    auto parsed = ParseYaml(default_list);
    CHECK(std::holds_alternative<std::unique_ptr<YamlValue>>(parsed));
    list = state_->document->default_lists
               .emplace_back(std::get<std::unique_ptr<YamlValue>>(std::move(parsed)))
               .get();
  }
  state_->shown->is_list = true;
  for (const auto& item : list->items) {
    items.push_back(YamlNode(std::make_shared<State>(State{
        state_->document, item.get(), item->position, {}, &state_->shown->Item(items.size())})));
  }
  return items;
}

std::vector<std::pair<std::string, YamlNode>> YamlNode::Entries() {
  std::vector<std::pair<std::string, YamlNode>> entries;
  if (present() && state_->value->kind != YamlValue::Kind::kMap) Fault("expected a map");
  for (const YamlValue::Entry& entry : state_->value->entries) {
    entries.emplace_back(entry.key, YamlNode(std::make_shared<State>(State{
                                        state_->document, entry.value.get(), entry.value->position,
                                        entry.key, &state_->shown->Entry(entry.key)})));
  }
  return entries;
}

std::vector<std::pair<std::string, std::string>> YamlNode::StringMap() {
  std::vector<std::pair<std::string, std::string>> map;
  if (present() && state_->value->kind != YamlValue::Kind::kMap) Fault("expected a map of texts");
  for (auto& [key, value] : Entries()) map.emplace_back(key, value.String(""));
  return map;
}

const std::string* YamlNode::Text(std::string_view expected) const {
  if (!present()) return nullptr;
  if (state_->value->kind == YamlValue::Kind::kScalar) return &state_->value->text;
  Fault(fmt::format("expected {}, got a {}", expected,
                    state_->value->kind == YamlValue::Kind::kMap ? "map" : "list"));
  return nullptr;
}

void YamlNode::Show(std::string text) const { state_->shown->text = std::move(text); }

std::string YamlNode::String(std::string_view default_value) {
  const std::string* const text = Text("a text");
  std::string value = text ? *text : std::string(default_value);
  if (present() || !value.empty()) Show(value);
  return value;
}

std::string YamlNode::SecretString() {
  std::string value = String("");
  if (!value.empty()) Show(std::string(kShownSecret));
  return value;
}

std::string YamlNode::RequiredString() {
  if (!present()) {
    state_->document->Record(state_->position, fmt::format("key \"{}\" is missing", state_->name),
                             true);
    return "";
  }
  std::string text = String("");
  if (text.empty()) Fault(fmt::format("\"{}\" must not be empty", state_->name));
  return text;
}

bool YamlNode::Bool(bool default_value) {
  const std::string* const text = Text("true or false");
  Show(default_value ? "true" : "false");
  if (!text) return default_value;
  if (*text == "true" || *text == "false") {
    Show(*text);
    return *text == "true";
  }
  Fault(fmt::format("expected true or false, got \"{}\"", Excerpt(*text)));
  return default_value;
}

int64_t YamlNode::Int(int64_t default_value, int64_t min, int64_t max) {
  const std::string expected = fmt::format("a whole number from {} to {}", min, max);
  const std::string* const text = Text(expected);
  Show(fmt::to_string(default_value));
  if (!text) return default_value;
  const auto number = ParseNumber<int64_t>(*text);
  if (number.has_value() && *number >= min && *number <= max) {
    Show(fmt::to_string(*number));
    return *number;
  }
  Fault(fmt::format("expected {}, got \"{}\"", expected, Excerpt(*text)));
  return default_value;
}

Millis YamlNode::Duration(Millis default_value, Millis min, Millis max) {
  const std::string expected =
      fmt::format("a duration from {} to {}", FormatDuration(min), FormatDuration(max));
  const std::string* const text = Text(expected);
  Show(FormatDuration(default_value));
  if (!text) return default_value;
  const auto span = ParseDuration(*text);
  if (span.ok() && *span >= min && *span <= max) {
    Show(FormatDuration(*span));
    return *span;
  }
  Fault(fmt::format("expected {}, got \"{}\"", expected, Excerpt(*text)));
  return default_value;
}

uint64_t YamlNode::Bytes(uint64_t default_value, uint64_t min, uint64_t max) {
  const std::string expected = fmt::format("a size from {} to {} (bytes, or with KiB, MiB, GiB)",
                                           ShowBytes(min), ShowBytes(max));
  const std::string* const text = Text(expected);
  Show(ShowBytes(default_value));
  if (!text) return default_value;
  const auto bytes = ParseBytes(*text);
  if (bytes.has_value() && *bytes >= min && *bytes <= max) {
    Show(ShowBytes(*bytes));
    return *bytes;
  }
  Fault(fmt::format("expected {}, got \"{}\"", expected, Excerpt(*text)));
  return default_value;
}

std::vector<std::string> YamlNode::StringList() {
  std::vector<std::string> list;
  for (YamlNode& item : Items()) list.push_back(item.String(""));
  return list;
}

std::string YamlNode::FilePath() {
  if (!present()) return "";
  const std::string path = RequiredString();
  if (path.empty() || path.front() == '/') return path;
  const std::string& document = state_->document->name;
  const size_t slash = document.rfind('/');
  return slash == std::string::npos ? path : document.substr(0, slash + 1) + path;
}

void YamlNode::Finish() {
  if (!present()) return;
  if (state_->value->kind != YamlValue::Kind::kMap) {
    Fault("expected a map");
    return;
  }
  const auto& known = state_->document->known_keys[state_->value];
  for (const YamlValue::Entry& entry : state_->value->entries) {
    if (known.contains(entry.key)) continue;
    state_->document->Record(entry.key_position,
                             fmt::format("unknown key \"{}\" (known keys here: {})",
                                         Excerpt(entry.key), fmt::join(known, ", ")));
  }
}

YamlDocument::YamlDocument(std::string_view text, std::string name)
    : shared_(std::make_shared<Shared>()) {
  shared_->name = std::move(name);
  auto parsed = ParseYaml(text);
  if (auto* fault = std::get_if<YamlSyntaxFault>(&parsed)) {
    shared_->Record(fault->position, fault->message);
    shared_->root = std::make_unique<YamlValue>();
  } else {
    shared_->root = std::get<std::unique_ptr<YamlValue>>(std::move(parsed));
  }
}

YamlDocument YamlDocument::FromFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(kYamlBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  const int error = errno;
  if (file.is_open() && !file.bad()) return YamlDocument(text, path);
  YamlDocument document("", path);
  document.shared_->fault =
      fmt::format("{}: cannot be read: {}", path, error ? std::strerror(error) : "I/O error");
  return document;
}

YamlNode YamlDocument::root() {
  return YamlNode(std::make_shared<YamlNode::State>(YamlNode::State{
      shared_.get(), shared_->root.get(), shared_->root->position, {}, &shared_->shown}));
}

std::string YamlDocument::Effective() const { return PrintYaml(shared_->shown); }

std::vector<std::string> YamlDocument::KeysAskedFor() const { return KeysOf(shared_->shown); }

absl::Status YamlDocument::status() const {
  return shared_->fault.has_value() ? absl::InvalidArgumentError(*shared_->fault)
                                    : absl::OkStatus();
}

}  // namespace alertjoin
