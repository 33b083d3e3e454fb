#include "ingest-service/rules/rule_catalog.h"

#include <algorithm>
#include <utility>

namespace alertjoin {
namespace {

constexpr char kAlertName[] = "alertname";

bool IsTemplate(std::string_view value) { return value.find("{{") != value.npos; }

bool Contradicts(const AlertingRule& rule, const LabelSet& alert_labels) {
  for (const auto& [name, value] : rule.labels) {
    if (IsTemplate(value) || !alert_labels.Has(name)) continue;
    if (alert_labels.Get(name) != value) return true;
  }
  return false;
}

}  // namespace

void RuleCatalog::Publish(const std::string& source, Rules rules) {
  auto published = std::make_shared<PublishedRules>();
  for (size_t i = 0; i < rules->rules.size(); ++i) {
    published->by_name.emplace(rules->rules[i].name, i);
  }
  published->rules = std::move(rules);
  const MutexLock lock(mutex_);
  published_[source] = std::move(published);
}

void RuleCatalog::Forget(std::string_view source) {
  const MutexLock lock(mutex_);
  const auto found = published_.find(source);
  if (found != published_.end()) published_.erase(found);
}

std::shared_ptr<const RuleCatalog::PublishedRules> RuleCatalog::Of(std::string_view source) const {
  const MutexLock lock(mutex_);
  const auto found = published_.find(source);
  return found == published_.end() ? nullptr : found->second;
}

RuleCatalog::Rules RuleCatalog::RulesOf(std::string_view source) const {
  const auto published = Of(source);
  return published == nullptr ? nullptr : published->rules;
}

std::vector<std::string> RuleCatalog::ExpressionsFor(std::string_view source,
                                                     const LabelSet& alert_labels,
                                                     std::string_view expression) const {
  std::vector<std::string> found;
  const auto published = Of(source);
  const std::string_view alert_name = alert_labels.Get(kAlertName);
  if (published == nullptr || alert_name.empty()) return found;
  const auto [begin, end] = published->by_name.equal_range(alert_name);
  for (auto it = begin; it != end; ++it) {
    const AlertingRule& rule = published->rules->rules[it->second];
    if (!expression.empty() && rule.expression != expression) continue;
    if (Contradicts(rule, alert_labels)) continue;
    if (std::ranges::find(found, rule.expression) == found.end()) found.push_back(rule.expression);
  }
  return found;
}

}  // namespace alertjoin
