#include "ingest-service/rules/rule_list.h"

#include <cmath>
#include <utility>

#include "common/event/event_limits.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

using nlohmann::json;

constexpr size_t kLastErrorBytesMax = 1 << 10;
constexpr double kHoldSecondsMax = 1e9;

// The member of that type; null when it is not there.
const json* Member(const json& object, const char* name, json::value_t type) {
  const auto found = object.find(name);
  return found != object.end() && found->type() == type ? &*found : nullptr;
}

std::string TextOf(const json& object, const char* name) {
  const json* const text = Member(object, name, json::value_t::string);
  return text == nullptr ? "" : text->get<std::string>();
}

// Nothing when it is over a limit, or holds something else than texts.
std::optional<LabelSet> LabelsOf(const json& object, const char* name, size_t count_max,
                                 size_t value_bytes_max) {
  const json* const map = Member(object, name, json::value_t::object);
  if (map == nullptr) return LabelSet();
  if (map->size() > count_max) return std::nullopt;
  std::vector<LabelSet::Label> labels;
  for (const auto& [label, value] : map->items()) {
    if (!value.is_string() || label.empty() || label.size() > kLabelNameBytesMax) {
      return std::nullopt;
    }
    labels.emplace_back(label, value.get<std::string>());
    if (labels.back().second.size() > value_bytes_max) return std::nullopt;
  }
  return LabelSet(labels);
}

std::optional<RuleAlert> AlertOf(const json& in) {
  if (!in.is_object()) return std::nullopt;
  auto labels = LabelsOf(in, "labels", kLabelsMax, kLabelValueBytesMax);
  const std::string state = TextOf(in, "state");
  if (!labels.has_value() || (state != "pending" && state != "firing")) return std::nullopt;
  RuleAlert alert;
  alert.labels = *std::move(labels);
  alert.state = state == "firing" ? RuleAlertState::kFiring : RuleAlertState::kPending;
  if (const auto time = ParseRfc3339(TextOf(in, "activeAt")); time.ok()) alert.active_at = *time;
  return alert;
}

Millis HoldOf(const json& in) {
  const auto found = in.find("duration");
  if (found == in.end() || !found->is_number()) return Millis(0);
  const double seconds = found->get<double>();
  if (!(seconds >= 0 && seconds <= kHoldSecondsMax)) return Millis(0);
  return Millis(std::llround(seconds * 1000));
}

class Decoder {
 public:
  explicit Decoder(RuleListLimits limits) : limits_(limits) {}

  void Add(const json& group, const json& in) {
    if (TextOf(in, "type") != "alerting") return;
    if (list_.rules.size() >= limits_.rules_max) {
      ++list_.rules_left_out;
      return;
    }
    AlertingRule rule;
    rule.name = TextOf(in, "name");
    rule.expression = TextOf(in, "query");
    auto labels = LabelsOf(in, "labels", kLabelsMax, kLabelValueBytesMax);
    auto annotations = LabelsOf(in, "annotations", kAnnotationsMax, kAnnotationValueBytesMax);
    const bool whole = !rule.name.empty() && rule.name.size() <= kLabelValueBytesMax &&
                       !rule.expression.empty() && rule.expression.size() <= kExpressionBytesMax;
    if (!whole || !labels.has_value() || !annotations.has_value()) {
      ++list_.rules_left_out;
      return;
    }
    rule.labels = *std::move(labels);
    rule.annotations = *std::move(annotations);
    rule.hold = HoldOf(in);
    rule.group = TextOf(group, "name");
    rule.file = TextOf(group, "file");
    rule.health = TextOf(in, "health");
    rule.last_error = TextOf(in, "lastError").substr(0, kLastErrorBytesMax);
    AddAlerts(in, rule);
    list_.rules.push_back(std::move(rule));
  }

  RuleList& list() { return list_; }

 private:
  void AddAlerts(const json& in, AlertingRule& rule) {
    const json* const alerts = Member(in, "alerts", json::value_t::array);
    if (alerts == nullptr) return;
    for (const json& each : *alerts) {
      auto alert = alerts_ < limits_.alerts_max ? AlertOf(each) : std::nullopt;
      if (!alert.has_value()) {
        ++list_.alerts_left_out;
        continue;
      }
      rule.alerts.push_back(*std::move(alert));
      ++alerts_;
    }
  }

  const RuleListLimits limits_;
  RuleList list_;
  size_t alerts_ = 0;
};

}  // namespace

absl::StatusOr<RuleList> DecodeRuleList(const json& data, RuleListLimits limits) {
  const json* const groups =
      data.is_object() ? Member(data, "groups", json::value_t::array) : nullptr;
  if (groups == nullptr) return absl::UnavailableError("rules: the answer has no list of groups");
  Decoder decoder(limits);
  for (const json& group : *groups) {
    const json* const rules =
        group.is_object() ? Member(group, "rules", json::value_t::array) : nullptr;
    if (rules == nullptr) continue;
    for (const json& rule : *rules) {
      if (rule.is_object()) decoder.Add(group, rule);
    }
  }
  return std::move(decoder.list());
}

}  // namespace alertjoin
