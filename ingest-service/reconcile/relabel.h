#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"

namespace re2 {
class RE2;
}

namespace alertjoin {

// What differs between the versions of Prometheus.
enum class RelabelDialect {
  kVersion2,  // A dot matches no newline; label names are [a-zA-Z_][a-zA-Z0-9_]*.
  kVersion3,  // A dot matches everything; a label name is any text.
};

enum class RelabelAction {
  kReplace,
  kKeep,
  kDrop,
  kKeepEqual,
  kDropEqual,
  kHashMod,
  kLabelMap,
  kLabelDrop,
  kLabelKeep,
  kLowercase,
  kUppercase,
};

// One entry of relabel_configs as it is written, with Prometheus' defaults.
struct RelabelSpec {
  RelabelAction action = RelabelAction::kReplace;
  std::vector<std::string> source_labels = {};
  std::string separator = ";";
  std::string regex = "(.*)";
  uint64_t modulus = 0;
  std::string target_label = {};
  std::string replacement = "$1";
};

// The action of that name, in any case; nothing when there is none.
std::optional<RelabelAction> RelabelActionOf(std::string_view name);

// One entry, compiled. A value type, immutable; const members may be called from any thread.
// Letters beyond ASCII keep their case under `lowercase` and `uppercase`.
// Source: prometheus/prometheus model/relabel/relabel.go.
class RelabelRule {
 public:
  // INVALID_ARGUMENT when the expression is none, or a modulus or target label is missing.
  static absl::StatusOr<RelabelRule> Create(RelabelSpec spec, RelabelDialect dialect);

  using Labels = std::map<std::string, std::string>;
  // Changes the labels; false when what they stand for is dropped.
  bool Apply(Labels& labels) const;

 private:
  RelabelRule(RelabelSpec spec, RelabelDialect dialect, std::shared_ptr<const re2::RE2> regex);

  void Replace(const std::string& value, Labels& labels) const;
  void MapNames(Labels& labels) const;
  // `text` with $1, ${1}, $name and $$ replaced as in Go's regexp.Expand, of the match whose groups
  // these are.
  std::string Expand(std::string_view text, std::span<const std::string_view> groups) const;
  // The groups of the match of the whole value, the whole first; none when it does not match.
  std::vector<std::string_view> Match(const std::string& value) const;
  bool IsLabelName(std::string_view name) const;

  RelabelSpec spec_;
  RelabelDialect dialect_;
  std::shared_ptr<const re2::RE2> regex_;
};

// The labels after all rules, in their order, without empty ones; nothing when they are dropped.
std::optional<LabelSet> Relabel(const LabelSet& labels, std::span<const RelabelRule> rules);

}  // namespace alertjoin
