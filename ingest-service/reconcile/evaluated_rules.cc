#include "ingest-service/reconcile/evaluated_rules.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "common/event/event_limits.h"
#include "common/status/status.h"
#include "ingest-service/alertmanager/json_fields.h"

namespace alertjoin {
namespace {

constexpr double kSecondsMax = 366.0 * 86'400;

// A number of seconds; 0 when it is none.
Millis SecondsField(const nlohmann::json& object, const std::string& name) {
  const nlohmann::json* const field = FindField(object, name);
  if (field == nullptr || !field->is_number()) return Millis(0);
  const double seconds = field->get<double>();
  if (!(seconds > 0) || seconds > kSecondsMax) return Millis(0);
  return Millis(std::llround(seconds * 1000));
}

std::optional<EvaluatedRule> DecodeRule(const nlohmann::json& entry, Millis interval) {
  if (!entry.is_object()) return std::nullopt;
  const auto type = TextField(entry, "", "type");
  if (!type.ok() || *type != "alerting") return std::nullopt;
  auto name = TextField(entry, "", "name");
  auto expression = TextField(entry, "", "query");
  auto labels = LabelsField(entry, "", "labels", kLabelValueBytesMax);
  if (!name.ok() || !expression.ok() || !labels.ok()) return std::nullopt;
  return EvaluatedRule{*std::move(name), *std::move(expression), *std::move(labels), interval,
                       SecondsField(entry, "duration")};
}

bool Makes(const EvaluatedRule& rule, const LabelSet& alert) {
  return std::all_of(rule.labels.begin(), rule.labels.end(), [&alert](const auto& label) {
    return label.second.find("{{") != label.second.npos || alert.Get(label.first) == label.second;
  });
}

}  // namespace

absl::StatusOr<EvaluatedRules> EvaluatedRules::Decode(const nlohmann::json& data) {
  const nlohmann::json* const groups = data.is_object() ? FindField(data, "groups") : nullptr;
  if (groups == nullptr || !groups->is_array()) {
    return absl::UnavailableError("/api/v1/rules: the answer has no list of groups");
  }
  EvaluatedRules rules;
  for (const nlohmann::json& group : *groups) {
    if (!group.is_object()) continue;
    const Millis interval = SecondsField(group, "interval");
    const nlohmann::json* const list = FindField(group, "rules");
    if (interval == Millis(0) || list == nullptr || !list->is_array()) continue;
    const size_t before = rules.rules_.size();
    for (const nlohmann::json& entry : *list) {
      auto rule = DecodeRule(entry, interval);
      if (!rule || rules.rules_.size() >= kEvaluatedRulesMax) continue;
      std::string name = rule->name;
      rules.rules_.emplace(std::move(name), *std::move(rule));
    }
    if (rules.rules_.size() == before) continue;
    rules.longest_evaluation_ =
        std::max(rules.longest_evaluation_, SecondsField(group, "evaluationTime"));
  }
  return rules;
}

const EvaluatedRule* EvaluatedRules::Find(const LabelSet& labels) const {
  const EvaluatedRule* best = nullptr;
  const auto [begin, end] = rules_.equal_range(labels.Get("alertname"));
  for (auto candidate = begin; candidate != end; ++candidate) {
    const EvaluatedRule& rule = candidate->second;
    if (!Makes(rule, labels)) continue;
    const auto rank = [](const EvaluatedRule& of) {
      return std::tuple(of.labels.size(), -of.interval);
    };
    if (best == nullptr || rank(rule) > rank(*best)) best = &rule;
  }
  return best;
}

std::optional<Millis> EvaluatedRules::ShortestInterval() const {
  std::optional<Millis> shortest;
  for (const auto& [name, rule] : rules_) {
    shortest = std::min(shortest.value_or(rule.interval), rule.interval);
  }
  return shortest;
}

std::optional<Millis> EvaluatedRules::LongestInterval() const {
  std::optional<Millis> longest;
  for (const auto& [name, rule] : rules_) {
    longest = std::max(longest.value_or(rule.interval), rule.interval);
  }
  return longest;
}

}  // namespace alertjoin
