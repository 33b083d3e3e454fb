#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Alerting rules that are taken from one answer.
constexpr size_t kEvaluatedRulesMax = 20'000;

struct EvaluatedRule {
  std::string name;
  std::string expression;  // As Prometheus writes it.
  LabelSet labels;         // As written: values may be templates.
  Millis interval{0};      // Between evaluations.
  Millis hold{0};          // Its `for`.
};

// The alerting rules of one Prometheus, as far as reconciliation needs them. Immutable.
class EvaluatedRules {
 public:
  EvaluatedRules() = default;

  // Decodes the data of /api/v1/rules; what is odd in it is left out. UNAVAILABLE when it is not of
  // that shape.
  static absl::StatusOr<EvaluatedRules> Decode(const nlohmann::json& data);

  // The rule that makes an alert of these labels: its name is the alert's, and none of its labels
  // has another value there, templates apart. Of several the one with most labels, then the one
  // evaluated most often. Null when there is none.
  const EvaluatedRule* Find(const LabelSet& labels) const;

  // The shortest and the longest time between evaluations; nothing without rules.
  std::optional<Millis> ShortestInterval() const;
  std::optional<Millis> LongestInterval() const;
  // The longest that an evaluation of a group took.
  Millis longest_evaluation() const { return longest_evaluation_; }
  size_t size() const { return rules_.size(); }

 private:
  std::multimap<std::string, EvaluatedRule, std::less<>> rules_;
  Millis longest_evaluation_{0};
};

}  // namespace alertjoin
