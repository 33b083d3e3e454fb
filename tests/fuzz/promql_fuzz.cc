// Fuzzes the taking apart of alerting expressions. An input is an expression as it stands, or, when
// it begins with a zero byte, one of whole words: each byte behind it picks one.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "ingest-service/prometheus/promql_operands.h"
#include "ingest-service/prometheus/promql_text.h"
#include "ingest-service/prometheus/promql_tokens.h"

namespace alertjoin {
namespace {

constexpr std::array<std::string_view, 64> kWords = {
    "a",      "b",         "c",     "up",     "sum",     "rate",      "absent",   "scalar",
    "time()", "(",         ")",     "(",      ")",       "(",         ")",        "{",
    "}",      "[",         "]",     "[5m]",   "[5m:1m]", ">",         "<",        ">=",
    "<=",     "==",        "!=",    ">",      ">",       "and",       "or",       "unless",
    "bool",   "on(a)",     "on()",  "on",     "by (a)",  "by",        "(a,b)",    "ignoring(a)",
    "offset", "offset 5m", "@ 5",   "@end()", "@",       "5",         "0x1f",     "5m",
    "1e3",    "Inf",       "-",     "+",      "*",       "/",         "%",        "^",
    "atan2",  ",",         "\"s\"", "'#'",    "# c\n",   "{a=\"b\"}", "{a=~'>'}", "group_left"};

void CheckBalanced(const std::vector<PromqlToken>& tokens) {
  int64_t depth = 0;
  for (const PromqlToken& token : tokens) {
    if (token.kind == PromqlTokenKind::kOpenParen) ++depth;
    if (token.kind == PromqlTokenKind::kCloseParen) --depth;
    CHECK(depth >= 0);
  }
  CHECK(depth == 0);
}

// The operand is some of the expression's tokens, whole and in a row. One that is the whole
// expression may begin with a comment, which is no token.
void CheckTokens(std::string_view operand, std::string_view expression) {
  const auto all = TokenizePromql(expression);
  const auto some = TokenizePromql(operand);
  CHECK(all.has_value() == some.has_value());
  if (!all.has_value()) return;
  const auto begin = static_cast<size_t>(operand.data() - expression.data());
  const auto first = std::ranges::lower_bound(*all, begin, {}, &PromqlToken::offset);
  CHECK(static_cast<size_t>(all->end() - first) >= some->size());
  for (size_t i = 0; i < some->size(); ++i) {
    const PromqlToken& token = *(first + static_cast<ptrdiff_t>(i));
    CHECK(token.offset == begin + (*some)[i].offset && token.text == (*some)[i].text);
  }
  CheckBalanced(*some);
}

void CheckOperands(std::string_view expression) {
  const auto operands = ObservedOperands(expression);
  CHECK(operands.size() <= kObservedOperandsMax);
  const bool only_spaces = expression.find_first_not_of(" \t\r\n") == std::string_view::npos;
  CHECK(operands.empty() == only_spaces);
  for (const ObservedOperand& operand : operands) {
    CHECK(!operand.expression.empty() && operand.expression.data() >= expression.data());
    CHECK(operand.expression.data() + operand.expression.size() <=
          expression.data() + expression.size());
    CHECK(!operand.threshold.has_value() || !operand.comparison_operator.empty());
    CheckTokens(operand.expression, expression);
    const auto again = ObservedOperands(operand.expression);
    CHECK(again.size() == 1 && again.front().expression == operand.expression &&
          again.front().comparison_operator.empty() && !again.front().on.has_value());
  }
  if (!IsPlainSelector(expression)) return;
  CHECK(operands.size() == 1 && operands.front().expression == StripParentheses(expression));
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string expression;
  if (size > 0 && data[0] == 0) {
    for (size_t i = 1; i < size; ++i) {
      expression += alertjoin::kWords[data[i] % alertjoin::kWords.size()];
      expression += ' ';
    }
  } else {
    expression.assign(data, data + size);
  }
  alertjoin::CheckOperands(expression);
  return 0;
}
