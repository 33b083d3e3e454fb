#include "ingest-service/prometheus/promql_operands.h"

#include <algorithm>
#include <utility>

#include "ingest-service/prometheus/promql_constant.h"
#include "ingest-service/prometheus/promql_text.h"
#include "ingest-service/prometheus/promql_tree.h"

namespace alertjoin {
namespace {

using Node = PromqlNode;
using Names = std::vector<std::string>;

// What one comparison demands of an operand.
struct Demand {
  std::string_view comparison_operator;
  std::optional<double> threshold;
};

// What stands around a part of the expression.
struct Surroundings {
  std::vector<Demand> demands;  // Of the comparisons whose value is that of this part.
  bool excluded = false;        // On the right of `unless`.
  std::optional<Names> on;
};

std::string_view Flipped(std::string_view comparison) {
  if (comparison == "<") return ">";
  if (comparison == "<=") return ">=";
  if (comparison == ">") return "<";
  if (comparison == ">=") return "<=";
  return comparison;
}

class Splitter {
 public:
  explicit Splitter(const PromqlTree& tree) : tree_(tree) {}

  std::vector<ObservedOperand> Run() {
    const Node& root = tree_.nodes[tree_.root];
    Visit(root, {});
    if (found_.size() <= kObservedOperandsMax) return Operands();
    const Node& whole = tree_.Strip(root);
    return {{tree_.TextOf(whole), {}, std::nullopt, std::nullopt}};
  }

 private:
  struct Found {
    const Node* node;
    Surroundings around;
    size_t times = 1;
  };

  const Node& Left(const Node& node) const { return tree_.nodes[node.left]; }
  const Node& Right(const Node& node) const { return tree_.nodes[node.right]; }

  // Whether a comparison in it decides which elements it has.
  bool Filters(const Node& outer) const {
    const Node& node = tree_.Strip(outer);
    if (node.kind == Node::Kind::kComparison) return !node.with_bool;
    return node.kind == Node::Kind::kSet && (Filters(Left(node)) || Filters(Right(node)));
  }

  void Visit(const Node& outer, Surroundings around) {
    const Node& node = tree_.Strip(outer);
    if (!Filters(node)) return Observe(node, std::move(around));
    if (node.kind == Node::Kind::kComparison) return VisitComparison(node, std::move(around));
    VisitSet(node, std::move(around));
  }

  // The value that passes is that of the left side, but of the only vector when there is one.
  void VisitComparison(const Node& node, Surroundings around) {
    const Node& left = Left(node);
    const Node& right = Right(node);
    const bool left_passes = left.type == Node::Type::kVector;
    const Node& passing = left_passes ? left : right;
    const Node& other = left_passes ? right : left;
    const std::string_view of_passing = left_passes ? node.operation : Flipped(node.operation);
    if (IsConstant(tree_, other)) {
      around.demands.push_back({of_passing, FoldConstant(tree_, other)});
      return Visit(passing, std::move(around));
    }
    Surroundings around_other;
    around_other.demands.push_back({Flipped(of_passing), std::nullopt});
    around_other.excluded = around.excluded;
    around_other.on = around.on;
    around.demands.push_back({of_passing, std::nullopt});
    // The alert has its labels from the side that may have several series for one of the other.
    Surroundings& of_one = node.many == Node::ManySide::kRight ? around : around_other;
    of_one.on = Narrowed(of_one.on, node);
    if (left_passes) {
      Visit(left, std::move(around));
      Visit(right, std::move(around_other));
    } else {
      Visit(left, std::move(around_other));
      Visit(right, std::move(around));
    }
  }

  void VisitSet(const Node& node, Surroundings around) {
    Surroundings around_right;
    around_right.excluded = around.excluded;
    around_right.on = around.on;
    if (IsKeyword(node.operation, "or")) {
      around_right.demands = around.demands;
    } else {
      around_right.excluded |= IsKeyword(node.operation, "unless");
      around_right.on = Narrowed(around.on, node);
    }
    Visit(Left(node), std::move(around));
    Visit(Right(node), std::move(around_right));
  }

  // The labels that a side must share with the alert when the operator matches it by `on` with one
  // that shares `outer` with it.
  static std::optional<Names> Narrowed(const std::optional<Names>& outer, const Node& node) {
    if (!node.on.has_value() || !outer.has_value()) return node.on.has_value() ? node.on : outer;
    for (const std::string& name : *node.on) {
      if (std::find(outer->begin(), outer->end(), name) == outer->end()) return std::nullopt;
    }
    return node.on;
  }

  void Observe(const Node& node, Surroundings around) {
    for (Found& known : found_) {
      if (!SameText(*known.node, node)) continue;
      ++known.times;
      if (known.around.on != around.on) known.around.on = std::nullopt;
      return;
    }
    found_.push_back({&node, std::move(around)});
  }

  bool SameText(const Node& a, const Node& b) const {
    const auto text = [](const PromqlToken& token) { return token.text; };
    const auto& tokens = tree_.tokens;
    const auto at = [&tokens](size_t i) { return tokens.begin() + static_cast<ptrdiff_t>(i); };
    return std::ranges::equal(at(a.first), at(a.end), at(b.first), at(b.end), {}, text, text);
  }

  std::vector<ObservedOperand> Operands() const {
    std::vector<ObservedOperand> operands;
    for (const auto& [node, around, times] : found_) {
      ObservedOperand& operand = operands.emplace_back();
      operand.expression = tree_.TextOf(*node);
      operand.on = around.on;
      if (times > 1 || around.excluded || around.demands.size() != 1) continue;
      operand.comparison_operator = around.demands.front().comparison_operator;
      operand.threshold = around.demands.front().threshold;
    }
    return operands;
  }

  const PromqlTree& tree_;
  std::vector<Found> found_;
};

}  // namespace

std::vector<ObservedOperand> ObservedOperands(std::string_view expression) {
  if (const auto tree = ParsePromql(expression)) return Splitter(*tree).Run();
  const std::string_view whole = StripParentheses(expression);
  if (whole.empty()) return {};
  return {{whole, {}, std::nullopt, std::nullopt}};
}

}  // namespace alertjoin
