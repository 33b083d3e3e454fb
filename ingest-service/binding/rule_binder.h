#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/matchers.h"
#include "ingest-service/binding/binder.h"
#include "ingest-service/prometheus/generator_url_memo.h"
#include "ingest-service/rules/rule_catalog.h"

namespace alertjoin {

// A metrics source, as far as binding goes.
struct BoundSource {
  std::string name;
  std::string url;
  std::string external_url;  // May be empty.
};

struct BoundQuery {
  std::string source;
  std::string name;
  std::string expression;
};

// Which alerts are joined with a configured query, and how.
struct BindingRule {
  std::string matchers;  // Of the alert's labels, as Alertmanager writes them; empty: every alert.
  std::string query;     // Name of a configured query.
  std::string source;    // Of it; empty: of every source that has a query of this name.
  std::vector<std::string> on;
  Millis tolerance = kDefaultTolerance;
  bool strict = false;
  bool first_after = false;
};

struct RuleBinderOptions {
  std::vector<BoundSource> sources;
  std::vector<BoundQuery> queries;
  std::vector<BindingRule> rules;
  // The alerting rules of the sources; null when none are known. Must outlive the binder.
  const RuleCatalog* catalog = nullptr;
};

// Binds an alert to, in this order:
//   1. every operand of its own rule (ObservedOperands), joined by agreement or on the labels that
//      the rule names. The metrics source is the one whose address (url or external_url) the
//      generator URL begins with; else the only one there is; else all of them. The rule is that of
//      the catalogue which has the alert's name, contradicts none of its labels and has the
//      expression of its generator URL; a source that has it is preferred to those that have not.
//      Where there is none, the generator URL's expression is the rule. Without that, all rules
//      that fit by name and labels are; and when these differ, no operator is known;
//   2. the queries whose name equals the alert's name, on instance and job;
//   3. the queries of every rule whose matchers match the alert.
// Each query once: the first wins. An own expression that is also a configured query, word for
// word, goes by that query's name. Thread-safe.
class RuleBinder final : public Binder {
 public:
  // INVALID_ARGUMENT, with the rule's position, for matchers that do not parse, for a query or
  // source that is not configured, for a negative tolerance. The registry must outlive the binder.
  static absl::StatusOr<std::unique_ptr<RuleBinder>> Create(const RuleBinderOptions& options,
                                                            prometheus::Registry& registry);

  std::vector<Binding> Bind(const TransitionEvent& event) const override;

 private:
  struct Source {
    std::string name;
    std::vector<WebAddress> addresses;
  };
  struct ConfiguredQuery {
    Query query;
    std::string stripped;  // Its expression without parentheses around it.
  };
  struct Rule {
    Matchers matchers;
    std::vector<Binding> bindings;
  };

  explicit RuleBinder(prometheus::Registry& registry);
  absl::Status AddRule(const BindingRule& rule, const RuleBinderOptions& options);
  void BindOwnExpression(const TransitionEvent& event, std::vector<Binding>* bindings) const;
  std::vector<const Source*> SourcesOf(const GeneratorUrl& url) const;
  // The expression of the generator URL; empty when it has none that can be bound.
  std::string ExpressionOf(const GeneratorUrl& url) const;
  // Binds the operands of the expressions, of which one is the alert's, at the source.
  void BindOperands(const TransitionEvent& event, const std::string& source,
                    const std::vector<std::string>& expressions,
                    std::vector<Binding>* bindings) const;
  Query OwnQuery(const std::string& source, const std::string& expression) const;

  std::vector<Source> sources_;
  std::vector<ConfiguredQuery> queries_;
  std::vector<Rule> rules_;
  const RuleCatalog* catalog_ = nullptr;
  prometheus::Counter& too_long_;
  prometheus::Counter& not_text_;
  prometheus::Counter& from_catalog_;
  prometheus::Counter& from_url_;
  prometheus::Counter& unknown_;
  prometheus::Counter& ambiguous_;
  mutable GeneratorUrlMemo urls_;
};

}  // namespace alertjoin
