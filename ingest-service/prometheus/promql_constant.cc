#include "ingest-service/prometheus/promql_constant.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "common/time/duration.h"

namespace alertjoin {
namespace {

using Node = PromqlNode;

// Above it not every whole number is a double.
constexpr double kWholeMax = 9007199254740992;  // 2^53

std::optional<double> Whole(std::string_view digits, int base) {
  int64_t whole = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, whole, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<double>(whole);
}

// As Go's strconv.ParseInt with base 0 reads it, and else ParseFloat.
std::optional<double> NumberOf(std::string_view text) {
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    return Whole(text.substr(2), 16);
  }
  if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("01234567") == text.npos) {
    return Whole(text, 8);
  }
  double value = 0;
  if (!absl::SimpleAtod(absl::string_view(text.data(), text.size()), &value)) return std::nullopt;
  return value;
}

std::optional<double> SecondsOf(std::string_view text) {
  const auto duration = ParseDuration(text);
  if (!duration.ok() || duration->count() % 1000 != 0) return std::nullopt;
  return static_cast<double>(duration->count() / 1000);
}

// Of small whole numbers, where every step is exact.
std::optional<double> PowerOf(double base, double exponent) {
  if (base != std::trunc(base) || exponent != std::trunc(exponent)) return std::nullopt;
  if (!(base >= 0 && base <= kWholeMax && exponent >= 0 && exponent <= 64)) return std::nullopt;
  double power = 1;
  for (int i = 0; i < static_cast<int>(exponent); ++i) {
    power *= base;
    if (power > kWholeMax) return std::nullopt;
  }
  return power;
}

std::optional<double> Arithmetic(std::string_view operation, double left, double right) {
  switch (operation[0]) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return std::fmod(left, right);
    case '^':
      return PowerOf(left, right);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<double> FoldConstant(const PromqlTree& tree, const PromqlNode& node) {
  switch (node.kind) {
    case Node::Kind::kNumber: {
      const PromqlToken& token = tree.tokens[node.first];
      if (token.kind == PromqlTokenKind::kDuration) return SecondsOf(token.text);
      return NumberOf(token.text);
    }
    case Node::Kind::kParentheses:
      return FoldConstant(tree, tree.nodes[node.left]);
    case Node::Kind::kSign: {
      const auto value = FoldConstant(tree, tree.nodes[node.left]);
      if (!value.has_value()) return std::nullopt;
      return node.operation == "-" ? -*value : *value;
    }
    case Node::Kind::kArithmetic: {
      const auto left = FoldConstant(tree, tree.nodes[node.left]);
      const auto right = FoldConstant(tree, tree.nodes[node.right]);
      if (!left.has_value() || !right.has_value()) return std::nullopt;
      return Arithmetic(node.operation, *left, *right);
    }
    default:
      return std::nullopt;
  }
}

bool IsConstant(const PromqlTree& tree, const PromqlNode& node) {
  switch (node.kind) {
    case Node::Kind::kNumber:
      return true;
    case Node::Kind::kParentheses:
    case Node::Kind::kSign:
      return IsConstant(tree, tree.nodes[node.left]);
    case Node::Kind::kArithmetic:
      return IsConstant(tree, tree.nodes[node.left]) && IsConstant(tree, tree.nodes[node.right]);
    default:
      return false;
  }
}

}  // namespace alertjoin
