#include "ingest-service/reconcile/relabel.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr std::array<std::pair<std::string_view, RelabelAction>, 11> kActions = {{
    {"replace", RelabelAction::kReplace},
    {"keep", RelabelAction::kKeep},
    {"drop", RelabelAction::kDrop},
    {"keepequal", RelabelAction::kKeepEqual},
    {"dropequal", RelabelAction::kDropEqual},
    {"hashmod", RelabelAction::kHashMod},
    {"labelmap", RelabelAction::kLabelMap},
    {"labeldrop", RelabelAction::kLabelDrop},
    {"labelkeep", RelabelAction::kLabelKeep},
    {"lowercase", RelabelAction::kLowercase},
    {"uppercase", RelabelAction::kUppercase},
}};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string Cased(std::string text, char (*convert)(char)) {
  std::transform(text.begin(), text.end(), text.begin(), convert);
  return text;
}

// The last 8 bytes of the MD5 sum, big-endian.
uint64_t HashOf(const std::string& value) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned bytes = 0;
  CHECK(EVP_Digest(value.data(), value.size(), digest.data(), &bytes, EVP_md5(), nullptr) == 1);
  uint64_t hash = 0;
  for (unsigned i = bytes - 8; i < bytes; ++i) hash = hash << 8 | digest[i];
  return hash;
}

std::string Get(const RelabelRule::Labels& labels, const std::string& name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

void Set(RelabelRule::Labels& labels, const std::string& name, std::string value) {
  if (value.empty()) {
    labels.erase(name);
  } else {
    labels[name] = std::move(value);
  }
}

// A piece of a template behind a `$`: what it names, and the bytes it takes; none when malformed.
struct Reference {
  std::string_view name;
  size_t bytes = 0;
};

Reference ReferenceAt(std::string_view text) {
  const bool braced = text.starts_with('{');
  const std::string_view rest = text.substr(braced ? 1 : 0);
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsWordByte);
  const auto length = static_cast<size_t>(end - rest.begin());
  if (length == 0) return {};
  if (!braced) return {rest.substr(0, length), length};
  if (end == rest.end() || *end != '}') return {};
  return {rest.substr(0, length), length + 2};
}

}  // namespace

std::optional<RelabelAction> RelabelActionOf(std::string_view name) {
  const std::string lower = Cased(std::string(name), Lower);
  for (const auto& [known, action] : kActions) {
    if (known == lower) return action;
  }
  return std::nullopt;
}

RelabelRule::RelabelRule(RelabelSpec spec, RelabelDialect dialect,
                         std::shared_ptr<const re2::RE2> regex)
    : spec_(std::move(spec)), dialect_(dialect), regex_(std::move(regex)) {}

absl::StatusOr<RelabelRule> RelabelRule::Create(RelabelSpec spec, RelabelDialect dialect) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(dialect == RelabelDialect::kVersion3);
  auto regex = std::make_shared<const RE2>(spec.regex, options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(
        fmt::format("regex \"{}\": {}", Excerpt(spec.regex), regex->error()));
  }
  if (spec.action == RelabelAction::kHashMod && spec.modulus == 0) {
    return absl::InvalidArgumentError("hashmod without a modulus");
  }
  switch (spec.action) {
    case RelabelAction::kReplace:
    case RelabelAction::kHashMod:
    case RelabelAction::kLowercase:
    case RelabelAction::kUppercase:
    case RelabelAction::kKeepEqual:
    case RelabelAction::kDropEqual:
      if (spec.target_label.empty()) return absl::InvalidArgumentError("no target_label");
      break;
    default:
      break;
  }
  return RelabelRule(std::move(spec), dialect, std::move(regex));
}

bool RelabelRule::Apply(Labels& labels) const {
  std::string value;
  for (size_t i = 0; i < spec_.source_labels.size(); ++i) {
    if (i > 0) value += spec_.separator;
    value += Get(labels, spec_.source_labels[i]);
  }
  switch (spec_.action) {
    case RelabelAction::kReplace:
      Replace(value, labels);
      return true;
    case RelabelAction::kKeep:
      return RE2::FullMatch(value, *regex_);
    case RelabelAction::kDrop:
      return !RE2::FullMatch(value, *regex_);
    case RelabelAction::kKeepEqual:
      return Get(labels, spec_.target_label) == value;
    case RelabelAction::kDropEqual:
      return Get(labels, spec_.target_label) != value;
    case RelabelAction::kHashMod:
      Set(labels, spec_.target_label, fmt::to_string(HashOf(value) % spec_.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapNames(labels);
      return true;
    case RelabelAction::kLabelDrop:
      std::erase_if(labels, [this](const auto& l) { return RE2::FullMatch(l.first, *regex_); });
      return true;
    case RelabelAction::kLabelKeep:
      std::erase_if(labels, [this](const auto& l) { return !RE2::FullMatch(l.first, *regex_); });
      return true;
    case RelabelAction::kLowercase:
      Set(labels, spec_.target_label, Cased(std::move(value), Lower));
      return true;
    case RelabelAction::kUppercase:
      Set(labels, spec_.target_label, Cased(std::move(value), Upper));
      return true;
  }
  return true;
}

void RelabelRule::Replace(const std::string& value, Labels& labels) const {
  const std::vector<std::string_view> groups = Match(value);
  if (groups.empty()) return;
  const std::string target = Expand(spec_.target_label, groups);
  if (!IsLabelName(target)) return;
  Set(labels, target, Expand(spec_.replacement, groups));
}

void RelabelRule::MapNames(Labels& labels) const {
  // Names that are made here are not mapped again.
  const Labels before = labels;
  for (const auto& [name, value] : before) {
    const std::vector<std::string_view> groups = Match(name);
    if (!groups.empty()) Set(labels, Expand(spec_.replacement, groups), value);
  }
}

std::vector<std::string_view> RelabelRule::Match(const std::string& value) const {
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(regex_->NumberOfCapturingGroups()) + 1);
  if (!regex_->Match(value, 0, value.size(), RE2::ANCHOR_BOTH, pieces.data(),
                     static_cast<int>(pieces.size()))) {
    return {};
  }
  std::vector<std::string_view> groups;
  for (const re2::StringPiece& piece : pieces) groups.emplace_back(piece.data(), piece.size());
  return groups;
}

std::string RelabelRule::Expand(std::string_view text,
                                std::span<const std::string_view> groups) const {
  std::string expanded;
  while (true) {
    const size_t dollar = text.find('$');
    expanded += text.substr(0, dollar);
    if (dollar == text.npos) return expanded;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      expanded += '$';
      text.remove_prefix(1);
      continue;
    }
    const Reference reference = ReferenceAt(text);
    if (reference.bytes == 0) {
      expanded += '$';
      continue;
    }
    text.remove_prefix(reference.bytes);
    size_t number = 0;
    const char* const end = reference.name.data() + reference.name.size();
    const auto [stop, error] = std::from_chars(reference.name.data(), end, number);
    if (error == std::errc() && stop == end) {
      if (number < groups.size()) expanded += groups[number];
      continue;
    }
    const auto& names = regex_->NamedCapturingGroups();
    const auto named = names.find(std::string(reference.name));
    if (named != names.end()) expanded += groups[static_cast<size_t>(named->second)];
  }
}

bool RelabelRule::IsLabelName(std::string_view name) const {
  if (name.empty()) return false;
  if (dialect_ == RelabelDialect::kVersion3) return true;
  return !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), IsWordByte);
}

std::optional<LabelSet> Relabel(const LabelSet& labels, std::span<const RelabelRule> rules) {
  RelabelRule::Labels edited;
  for (const auto& [name, value] : labels) {
    if (!value.empty()) edited.emplace(name, value);
  }
  for (const RelabelRule& rule : rules) {
    if (!rule.Apply(edited)) return std::nullopt;
  }
  const std::vector<LabelSet::Label> list(edited.begin(), edited.end());
  return LabelSet(std::span<const LabelSet::Label>(list));
}

}  // namespace alertjoin
