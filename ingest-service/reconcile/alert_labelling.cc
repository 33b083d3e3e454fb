#include "ingest-service/reconcile/alert_labelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <variant>

#include "common/config/yaml_tree.h"
#include "common/status/status.h"
#include "common/time/duration.h"

namespace alertjoin {
namespace {

// The lines of the top-level keys that are needed. The whole may be larger than we parse: it has
// every scrape configuration. Prometheus writes the text itself, so that whatever belongs to a key
// is indented or a list item.
std::string NeededSections(std::string_view text) {
  std::string needed;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const char first = line.front();
    if (first != ' ' && first != '-' && first != '\n' && first != '#') {
      inside = line.starts_with("global:") || line.starts_with("alerting:");
    }
    // An empty line keeps the line numbers right.
    needed += inside ? line : "\n";
  }
  return needed;
}

absl::Status Fault(const YamlValue& at, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("line {}, column {}: {}", at.position.line, at.position.column, why));
}

// The value of a map's key; null when there is none, or it is null.
const YamlValue* Find(const YamlValue& map, std::string_view key) {
  for (const YamlValue::Entry& entry : map.entries) {
    if (entry.key != key) continue;
    return entry.value->kind == YamlValue::Kind::kNull ? nullptr : entry.value.get();
  }
  return nullptr;
}

bool HasKey(const YamlValue& map, std::string_view key) {
  return std::any_of(map.entries.begin(), map.entries.end(),
                     [key](const YamlValue::Entry& entry) { return entry.key == key; });
}

absl::StatusOr<std::string> Text(const YamlValue& map, std::string_view key,
                                 std::string_view otherwise) {
  const YamlValue* const value = Find(map, key);
  if (value == nullptr) return std::string(otherwise);
  if (value->kind != YamlValue::Kind::kScalar) {
    return Fault(*value, fmt::format("{}: expected a text", key));
  }
  return value->text;
}

absl::StatusOr<Millis> Span(const YamlValue& map, std::string_view key, Millis otherwise) {
  ASSIGN_OR_RETURN(const std::string text, Text(map, key, ""));
  if (text.empty()) return otherwise;
  const auto span = ParseDuration(text);
  if (!span.ok()) return Fault(map, fmt::format("{}: {}", key, MessageOf(span.status())));
  return *span;
}

// How a rule that leaves out a key is meant.
enum class Writing {
  kByHand,      // The key has its default.
  kPrometheus,  // Prometheus leaves out what is empty and writes every default, but for `regex`.
};

absl::StatusOr<RelabelSpec> ReadSpec(const YamlValue& map, Writing writing) {
  RelabelSpec spec;
  const bool by_hand = writing == Writing::kByHand;
  ASSIGN_OR_RETURN(spec.separator, Text(map, "separator", by_hand ? spec.separator : ""));
  ASSIGN_OR_RETURN(spec.replacement, Text(map, "replacement", by_hand ? spec.replacement : ""));
  ASSIGN_OR_RETURN(spec.target_label, Text(map, "target_label", ""));
  // A null is the empty expression, written by Prometheus; what is left out is the default.
  ASSIGN_OR_RETURN(spec.regex, Text(map, "regex", HasKey(map, "regex") ? "" : spec.regex));
  ASSIGN_OR_RETURN(const std::string action, Text(map, "action", "replace"));
  const auto known = RelabelActionOf(action);
  if (!known) {
    return Fault(map, fmt::format("relabel action \"{}\" is not known", Excerpt(action)));
  }
  spec.action = *known;
  ASSIGN_OR_RETURN(const std::string modulus, Text(map, "modulus", "0"));
  const char* const end = modulus.data() + modulus.size();
  if (std::from_chars(modulus.data(), end, spec.modulus).ptr != end) {
    return Fault(map, "modulus: expected a number");
  }
  if (const YamlValue* const labels = Find(map, "source_labels")) {
    for (const auto& label : labels->items) spec.source_labels.push_back(label->text);
  }
  return spec;
}

absl::StatusOr<std::vector<RelabelRule>> ReadRules(const YamlValue& map, Writing writing,
                                                   RelabelDialect dialect) {
  std::vector<RelabelRule> rules;
  const YamlValue* const list = Find(map, "alert_relabel_configs");
  if (list == nullptr) return rules;
  if (list->kind != YamlValue::Kind::kList) return Fault(*list, "expected a list of rules");
  for (const auto& item : list->items) {
    ASSIGN_OR_RETURN(RelabelSpec spec, ReadSpec(*item, writing));
    auto rule = RelabelRule::Create(std::move(spec), dialect);
    if (!rule.ok()) return Fault(*item, MessageOf(rule.status()));
    rules.push_back(*std::move(rule));
  }
  return rules;
}

RelabelDialect DialectOf(std::string_view version) {
  if (version.starts_with('v')) version.remove_prefix(1);
  const bool old =
      version.starts_with("0.") || version.starts_with("1.") || version.starts_with("2.");
  return old ? RelabelDialect::kVersion2 : RelabelDialect::kVersion3;
}

}  // namespace

absl::StatusOr<AlertLabelling> AlertLabelling::Parse(std::string_view config,
                                                     std::string_view version) {
  auto parsed = ParseYaml(NeededSections(config));
  if (const auto* const fault = std::get_if<YamlSyntaxFault>(&parsed)) {
    return absl::InvalidArgumentError(fmt::format("line {}, column {}: {}", fault->position.line,
                                                  fault->position.column, fault->message));
  }
  const YamlValue& root = *std::get<std::unique_ptr<YamlValue>>(parsed);
  AlertLabelling labelling;
  const YamlValue* const global = Find(root, "global");
  Writing writing = Writing::kByHand;
  if (global != nullptr) {
    if (HasKey(*global, "scrape_timeout") && HasKey(*global, "evaluation_interval")) {
      writing = Writing::kPrometheus;
    }
    ASSIGN_OR_RETURN(labelling.query_offset_, Span(*global, "rule_query_offset", Millis(0)));
    ASSIGN_OR_RETURN(labelling.evaluation_interval_,
                     Span(*global, "evaluation_interval", labelling.evaluation_interval_));
    if (const YamlValue* const labels = Find(*global, "external_labels")) {
      for (const YamlValue::Entry& label : labels->entries) {
        labelling.external_labels_.emplace_back(label.key, label.value->text);
      }
    }
  }
  const YamlValue* const alerting = Find(root, "alerting");
  if (alerting == nullptr) return labelling;
  const RelabelDialect dialect = DialectOf(version);
  ASSIGN_OR_RETURN(labelling.rules_, ReadRules(*alerting, writing, dialect));
  if (const YamlValue* const alertmanagers = Find(*alerting, "alertmanagers")) {
    for (const auto& item : alertmanagers->items) {
      ASSIGN_OR_RETURN(auto rules, ReadRules(*item, writing, dialect));
      labelling.alertmanagers_.push_back(std::move(rules));
    }
  }
  return labelling;
}

std::optional<LabelSet> AlertLabelling::LabelsSent(const LabelSet& labels) const {
  std::vector<LabelSet::LabelView> all(labels.begin(), labels.end());
  for (const auto& [name, value] : external_labels_) {
    if (labels.Get(name).empty()) all.emplace_back(name, value);
  }
  std::optional<LabelSet> sent =
      Relabel(LabelSet(std::span<const LabelSet::LabelView>(all)), rules_);
  if (!sent || alertmanagers_.empty()) return sent;
  for (const std::vector<RelabelRule>& rules : alertmanagers_) {
    if (auto kept = Relabel(*sent, rules)) return kept;
  }
  return std::nullopt;
}

}  // namespace alertjoin
