#include "ingest-service/prometheus/promql_text.h"

#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "absl/strings/numbers.h"
#include "ingest-service/prometheus/promql_tokens.h"

namespace alertjoin {
namespace {

using Kind = PromqlTokenKind;
using Tokens = std::span<const PromqlToken>;

std::string_view TrimSpaces(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The text from the first to the last token. REQUIRES: not empty.
std::string_view SliceOf(std::string_view expression, Tokens tokens) {
  const size_t begin = tokens.front().offset;
  return expression.substr(begin, tokens.back().offset + tokens.back().text.size() - begin);
}

bool Opens(Kind kind) {
  return kind == Kind::kOpenParen || kind == Kind::kOpenBrace || kind == Kind::kOpenBracket;
}
bool Closes(Kind kind) {
  return kind == Kind::kCloseParen || kind == Kind::kCloseBrace || kind == Kind::kCloseBracket;
}

// Calls `visit(index)` for each token outside of all parentheses, braces and brackets.
template <typename Visit>
void ForEachAtTopLevel(Tokens tokens, Visit visit) {
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (Closes(tokens[i].kind)) --depth;
    if (depth == 0 && !Opens(tokens[i].kind) && !Closes(tokens[i].kind)) visit(i);
    if (Opens(tokens[i].kind)) ++depth;
  }
}

// Whether the first token is a parenthesis that the last one closes.
bool Enclosed(Tokens tokens) {
  if (tokens.size() < 2 || tokens.front().kind != Kind::kOpenParen) return false;
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (Opens(tokens[i].kind)) ++depth;
    if (Closes(tokens[i].kind) && --depth == 0) return i + 1 == tokens.size();
  }
  return false;
}

Tokens Strip(Tokens tokens) {
  while (Enclosed(tokens)) tokens = tokens.subspan(1, tokens.size() - 2);
  return tokens;
}

bool IsOneOf(const PromqlToken& token, std::span<const std::string_view> keywords) {
  if (token.kind != Kind::kIdentifier) return false;
  for (const std::string_view keyword : keywords) {
    if (IsKeyword(token.text, keyword)) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 3> kSetOperators = {"and", "or", "unless"};
// Words that mean something else than a metric even where they stand alone.
constexpr std::array<std::string_view, 14> kReserved = {
    "and", "or",       "unless",     "bool",        "by",     "without", "on",
    "end", "ignoring", "group_left", "group_right", "offset", "atan2",   "start"};
constexpr std::array<std::string_view, 5> kComparisonModifiers = {"bool", "on", "ignoring",
                                                                  "group_left", "group_right"};

// [label or "name"] op "value", or "name" alone, with commas between and perhaps at the end.
bool AreMatchers(Tokens tokens) {
  size_t i = 0;
  while (i < tokens.size()) {
    const bool quoted = tokens[i].kind == Kind::kString;
    if (!quoted && tokens[i].kind != Kind::kIdentifier) return false;
    if (i + 2 < tokens.size() && tokens[i + 1].kind == Kind::kMatch &&
        tokens[i + 2].kind == Kind::kString) {
      i += 3;
    } else if (quoted) {
      i += 1;
    } else {
      return false;
    }
    if (i == tokens.size()) return true;
    if (tokens[i].kind != Kind::kComma) return false;
    ++i;
  }
  return true;
}

bool IsSelector(Tokens tokens) {
  if (tokens.empty()) return false;
  if (tokens.front().kind == Kind::kIdentifier) {
    if (IsOneOf(tokens.front(), kReserved)) return false;
    tokens = tokens.subspan(1);
    if (tokens.empty()) return true;
  }
  // Braces cannot be nested, so the first closing one is the one that belongs to the first.
  if (tokens.size() < 2 || tokens.front().kind != Kind::kOpenBrace ||
      tokens.back().kind != Kind::kCloseBrace) {
    return false;
  }
  return AreMatchers(tokens.subspan(1, tokens.size() - 2));
}

std::optional<double> NumberOf(std::string_view text) {
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    uint64_t whole = 0;
    const auto [end, error] =
        std::from_chars(text.data() + 2, text.data() + text.size(), whole, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return static_cast<double>(whole);
  }
  // Prometheus reads 010 as octal: leave it alone.
  const bool digits_only = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits_only && text.size() > 1 && text[0] == '0') return std::nullopt;
  double value = 0;
  if (!absl::SimpleAtod(absl::string_view(text.data(), text.size()), &value)) return std::nullopt;
  return value;
}

std::optional<double> LiteralOf(Tokens tokens) {
  double sign = 1;
  while (true) {
    tokens = Strip(tokens);
    if (tokens.size() < 2 || tokens.front().kind != Kind::kArithmetic) break;
    if (tokens.front().text != "-" && tokens.front().text != "+") return std::nullopt;
    if (tokens.front().text == "-") sign = -sign;
    tokens = tokens.subspan(1);
  }
  if (tokens.size() != 1 || tokens.front().kind != Kind::kNumber) return std::nullopt;
  const auto number = NumberOf(tokens.front().text);
  if (!number.has_value()) return std::nullopt;
  return sign * *number;
}

std::string_view Flipped(std::string_view comparison) {
  if (comparison == "<") return ">";
  if (comparison == "<=") return ">=";
  if (comparison == ">") return "<";
  if (comparison == ">=") return "<=";
  return comparison;
}

// What tells whether, and where, an expression can be split.
struct TopLevel {
  size_t comparisons = 0;
  size_t comparison_index = 0;
  bool set_operator = false;
  bool comma = false;
};

TopLevel Survey(Tokens tokens) {
  TopLevel found;
  ForEachAtTopLevel(tokens, [&](size_t i) {
    if (tokens[i].kind == Kind::kComparison) {
      ++found.comparisons;
      found.comparison_index = i;
    }
    found.set_operator |= IsOneOf(tokens[i], kSetOperators);
    found.comma |= tokens[i].kind == Kind::kComma;
  });
  return found;
}

std::optional<ObservedComparison> Split(std::string_view expression, Tokens all) {
  const Tokens tokens = Strip(all);
  const TopLevel top = Survey(tokens);
  if (top.comparisons != 1 || top.set_operator || top.comma) return std::nullopt;
  const Tokens left = tokens.first(top.comparison_index);
  const Tokens right = tokens.subspan(top.comparison_index + 1);
  if (left.empty() || right.empty()) return std::nullopt;
  if (IsOneOf(right.front(), kComparisonModifiers)) return std::nullopt;
  const auto left_number = LiteralOf(left);
  const auto right_number = LiteralOf(right);
  if (left_number.has_value() == right_number.has_value()) return std::nullopt;

  const Tokens observed = right_number.has_value() ? left : right;
  // A comparison inside the observed part, `(a > 1) > 5`, filters twice: that is not one threshold.
  const TopLevel inner = Survey(Strip(observed));
  if (inner.comparisons > 0) return std::nullopt;
  const std::string_view comparison = tokens[top.comparison_index].text;
  return ObservedComparison{SliceOf(expression, observed),
                            right_number.has_value() ? comparison : Flipped(comparison),
                            right_number.has_value() ? right_number : left_number};
}

}  // namespace

std::string_view StripParentheses(std::string_view expression) {
  const auto tokens = TokenizePromql(expression);
  if (!tokens.has_value()) return TrimSpaces(expression);
  const Tokens stripped = Strip(*tokens);
  if (stripped.empty()) return TrimSpaces(expression);
  return SliceOf(expression, stripped);
}

bool IsPlainSelector(std::string_view expression) {
  const auto tokens = TokenizePromql(expression);
  return tokens.has_value() && IsSelector(Strip(*tokens));
}

ObservedComparison SplitComparison(std::string_view expression) {
  const auto tokens = TokenizePromql(expression);
  if (!tokens.has_value() || tokens->empty()) {
    return {TrimSpaces(expression), std::string_view(), std::nullopt};
  }
  if (const auto split = Split(expression, *tokens)) return *split;
  return {SliceOf(expression, *tokens), std::string_view(), std::nullopt};
}

}  // namespace alertjoin
