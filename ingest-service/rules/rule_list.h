#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/labels.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// Longest expression of a rule that an alert is bound to.
constexpr size_t kExpressionBytesMax = 16 << 10;

enum class RuleAlertState {
  kPending,  // True, but not yet for as long as the rule demands.
  kFiring,
};

// An alert of a rule as the metrics source itself holds it: without external labels and
// relabelling.
struct RuleAlert {
  LabelSet labels;
  RuleAlertState state = RuleAlertState::kFiring;
  std::optional<Timestamp> active_at;  // When the expression became true.
};

struct AlertingRule {
  std::string name;
  std::string expression;
  Millis hold{0};   // `for`
  LabelSet labels;  // Values may be templates.
  LabelSet annotations;
  std::string group;
  std::string file;
  std::string health;      // ok, unknown, err
  std::string last_error;  // Empty when there is none.
  std::vector<RuleAlert> alerts;
};

// The alerting rules of one metrics source, in its order.
struct RuleList {
  std::vector<AlertingRule> rules;
  // Beyond a limit, or without what makes a rule: nothing is known of them.
  uint64_t rules_left_out = 0;
  uint64_t alerts_left_out = 0;
};

struct RuleListLimits {
  size_t rules_max = 20'000;
  size_t alerts_max = 100'000;  // Of all rules together.
};

// Decodes the "data" of /api/v1/rules; recording rules are skipped. A rule over a limit (of
// common/event/event_limits.h, too) or without a name or expression is left out and counted, and so
// is an alert whose state or labels are not understood. UNAVAILABLE when it is not a list of groups
// at all. Source: prometheus/prometheus web/api/v1/api.go (RuleDiscovery).
absl::StatusOr<RuleList> DecodeRuleList(const nlohmann::json& data, RuleListLimits limits = {});

}  // namespace alertjoin
