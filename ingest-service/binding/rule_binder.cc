#include "ingest-service/binding/rule_binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/event/event_rules.h"
#include "common/metrics/metric_families.h"
#include "common/status/status.h"
#include "ingest-service/prometheus/metrics_source_options.h"
#include "ingest-service/prometheus/promql_operands.h"
#include "ingest-service/prometheus/promql_text.h"

namespace alertjoin {
namespace {

constexpr char kAlertName[] = "alertname";

void AddOnce(Binding binding, std::vector<Binding>* bindings) {
  for (const Binding& known : *bindings) {
    if (known.query == binding.query) return;
  }
  bindings->push_back(std::move(binding));
}

// Whether the URL of `inner` leads to something below `outer`.
bool IsBelow(const WebAddress& inner, const WebAddress& outer) {
  if (inner.origin != outer.origin) return false;
  if (outer.path == "/" || inner.path == outer.path) return true;
  return inner.path.rfind(outer.path + "/", 0) == 0;
}

Binding Prototype(Query query, Matching matching) {
  Binding binding;
  binding.query = std::move(query);
  binding.matching = matching;
  return binding;
}

prometheus::Counter& Refused(const std::string& reason, prometheus::Registry& registry) {
  return CounterFamily(registry, "alertjoin_binding_expressions_refused_total",
                       "Own expressions of alerts that were not bound, by reason.")
      .Add({{"reason", reason}});
}

prometheus::Counter& Rules(const std::string& found, prometheus::Registry& registry) {
  return CounterFamily(registry, "alertjoin_binding_rules_total",
                       "Transitions by where the rule of their alert was found.")
      .Add({{"found", found}});
}

// By the labels that the rule matches the operand on, where the alert has them all: relabelling may
// have taken one away. Else by agreement.
Binding BindingOf(const ObservedOperand& operand, Query query, const TransitionEvent& event) {
  Binding binding = Prototype(std::move(query), Matching::kAgreement);
  binding.comparison_operator = std::string(operand.comparison_operator);
  binding.threshold = operand.threshold;
  const bool on =
      operand.on.has_value() && std::ranges::all_of(*operand.on, [&event](const std::string& name) {
        return !event.labels.Get(name).empty();
      });
  if (!on) return binding;
  binding.matching = Matching::kOn;
  binding.on = *operand.on;
  std::ranges::sort(binding.on);
  binding.on.erase(std::unique(binding.on.begin(), binding.on.end()), binding.on.end());
  return binding;
}

}  // namespace

RuleBinder::RuleBinder(prometheus::Registry& registry)
    : too_long_(Refused("too_long", registry)),
      not_text_(Refused("not_utf8", registry)),
      from_catalog_(Rules("catalogue", registry)),
      from_url_(Rules("generator_url", registry)),
      unknown_(Rules("none", registry)),
      ambiguous_(Rules("ambiguous", registry)) {}

absl::StatusOr<std::unique_ptr<RuleBinder>> RuleBinder::Create(const RuleBinderOptions& options,
                                                               prometheus::Registry& registry) {
  std::unique_ptr<RuleBinder> binder(new RuleBinder(registry));
  binder->catalog_ = options.catalog;
  for (const BoundSource& source : options.sources) {
    Source bound{source.name, {}};
    for (const std::string& url : {source.url, source.external_url}) {
      if (auto address = AddressOf(url)) bound.addresses.push_back(*std::move(address));
    }
    binder->sources_.push_back(std::move(bound));
  }
  for (const BoundQuery& query : options.queries) {
    QueryOptions query_options;
    query_options.name = query.name;
    query_options.expression = query.expression;
    binder->queries_.push_back(
        {QueryOf(query.source, query_options), std::string(StripParentheses(query.expression))});
  }
  for (size_t i = 0; i < options.rules.size(); ++i) {
    RETURN_IF_ERROR(
        Annotate(binder->AddRule(options.rules[i], options), fmt::format("binding {}", i + 1)));
  }
  return binder;
}

absl::Status RuleBinder::AddRule(const BindingRule& rule, const RuleBinderOptions& options) {
  const bool known_source =
      rule.source.empty() ||
      std::any_of(options.sources.begin(), options.sources.end(),
                  [&](const BoundSource& source) { return source.name == rule.source; });
  if (!known_source) {
    return absl::InvalidArgumentError(
        fmt::format("source: \"{}\" is no metrics source", Excerpt(rule.source)));
  }
  if (rule.tolerance < Millis(0)) {
    return absl::InvalidArgumentError("tolerance: must not be negative");
  }
  Rule added;
  ASSIGN_OR_RETURN(added.matchers, ParseMatchers(rule.matchers));
  for (const auto& [query, stripped] : queries_) {
    if (query.name != rule.query) continue;
    if (!rule.source.empty() && query.source != rule.source) continue;
    Binding binding = Prototype(query, Matching::kOn);
    binding.on = rule.on;
    std::sort(binding.on.begin(), binding.on.end());
    binding.on.erase(std::unique(binding.on.begin(), binding.on.end()), binding.on.end());
    binding.tolerance = rule.tolerance;
    binding.strict = rule.strict;
    binding.first_after = rule.first_after;
    added.bindings.push_back(std::move(binding));
  }
  if (added.bindings.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("query: no metrics source has a query named \"{}\"", Excerpt(rule.query)));
  }
  rules_.push_back(std::move(added));
  return absl::OkStatus();
}

std::vector<const RuleBinder::Source*> RuleBinder::SourcesOf(const GeneratorUrl& url) const {
  std::vector<const Source*> all;
  for (const Source& source : sources_) all.push_back(&source);
  const std::optional<WebAddress>& generator = url.address;
  if (!generator.has_value()) return all;

  // Several servers may stand behind one host: the longest path that fits tells them apart.
  std::vector<const Source*> below;
  std::vector<const Source*> same_origin;
  size_t longest = 0;
  for (const Source& source : sources_) {
    for (const WebAddress& address : source.addresses) {
      if (address.origin != generator->origin) continue;
      if (std::find(same_origin.begin(), same_origin.end(), &source) == same_origin.end()) {
        same_origin.push_back(&source);
      }
      if (!IsBelow(*generator, address) || address.path.size() < longest) continue;
      if (address.path.size() > longest) below.clear();
      longest = address.path.size();
      if (std::find(below.begin(), below.end(), &source) == below.end()) below.push_back(&source);
    }
  }
  if (!below.empty()) return below;
  if (!same_origin.empty()) return same_origin;
  return all;
}

Query RuleBinder::OwnQuery(const std::string& source, const std::string& expression) const {
  const std::string_view wanted = StripParentheses(expression);
  for (const auto& [query, stripped] : queries_) {
    if (query.source == source && stripped == wanted) return query;
  }
  return LearntQuery(source, expression);
}

std::string RuleBinder::ExpressionOf(const GeneratorUrl& url) const {
  const std::optional<std::string>& expression = url.expression;
  if (!expression.has_value()) return "";
  if (expression->size() > kExpressionBytesMax) {
    too_long_.Increment();
    return "";
  }
  if (!IsValidUtf8(*expression)) {
    not_text_.Increment();
    return "";
  }
  return *expression;
}

void RuleBinder::BindOwnExpression(const TransitionEvent& event,
                                   std::vector<Binding>* bindings) const {
  const std::shared_ptr<const GeneratorUrl> url = urls_.Parse(event.generator_url);
  const std::string expression = ExpressionOf(*url);
  const std::vector<const Source*> sources = SourcesOf(*url);
  bool found = false;
  for (const Source* source : sources) {
    if (catalog_ == nullptr) break;
    const auto expressions = catalog_->ExpressionsFor(source->name, event.labels, expression);
    if (expressions.empty()) continue;
    found = true;
    if (expressions.size() > 1) ambiguous_.Increment();
    BindOperands(event, source->name, expressions, bindings);
  }
  if (found) return from_catalog_.Increment();
  if (expression.empty()) return unknown_.Increment();
  from_url_.Increment();
  for (const Source* source : sources) BindOperands(event, source->name, {expression}, bindings);
}

void RuleBinder::BindOperands(const TransitionEvent& event, const std::string& source,
                              const std::vector<std::string>& expressions,
                              std::vector<Binding>* bindings) const {
  for (const std::string& expression : expressions) {
    for (ObservedOperand& operand : ObservedOperands(expression)) {
      if (expressions.size() > 1) {
        operand.comparison_operator = {};
        operand.threshold = std::nullopt;
      }
      AddOnce(BindingOf(operand, OwnQuery(source, std::string(operand.expression)), event),
              bindings);
    }
  }
}

std::vector<Binding> RuleBinder::Bind(const TransitionEvent& event) const {
  std::vector<Binding> bindings;
  BindOwnExpression(event, &bindings);
  const std::string_view alert_name = event.labels.Get(kAlertName);
  for (const auto& [query, stripped] : queries_) {
    if (alert_name.empty() || query.name != alert_name) continue;
    Binding binding = Prototype(query, Matching::kOn);
    binding.on = {"instance", "job"};
    AddOnce(std::move(binding), &bindings);
  }
  for (const Rule& rule : rules_) {
    if (!rule.matchers.Matches(event.labels)) continue;
    for (const Binding& binding : rule.bindings) AddOnce(binding, &bindings);
  }
  return bindings;
}

}  // namespace alertjoin
