#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/text/matchers.h"
#include "ingest-service/binding/binder.h"
#include "ingest-service/prometheus/generator_url.h"

namespace alertjoin {

// Longest expression of a rule that an alert is bound to.
constexpr size_t kExpressionBytesMax = 16 << 10;

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
};

// Binds an alert to, in this order:
//   1. its own expression, from the generator URL: what its comparison observes, joined by
//      agreement. The metrics source is the one whose address (url or external_url) the generator
//      URL begins with; else the only one there is; else all of them;
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
  std::vector<const Source*> SourcesOf(const std::string& generator_url) const;
  Query OwnQuery(const std::string& source, const std::string& expression) const;

  std::vector<Source> sources_;
  std::vector<ConfiguredQuery> queries_;
  std::vector<Rule> rules_;
  prometheus::Counter& too_long_;
  prometheus::Counter& not_text_;
};

}  // namespace alertjoin
