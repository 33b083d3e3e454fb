#include "ingest-service/prometheus/promql_operands.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "ingest-service/prometheus/promql_text.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// `queue_depth > 90`, `a >`, `b < on(job)`, `up`.
std::string Shown(const ObservedOperand& operand) {
  std::string text(operand.expression);
  if (!operand.comparison_operator.empty()) {
    text += " " + std::string(operand.comparison_operator);
  }
  if (operand.threshold.has_value()) text += fmt::format(" {}", *operand.threshold);
  if (operand.on.has_value()) text += fmt::format(" on({})", fmt::join(*operand.on, ","));
  return text;
}

std::vector<std::string> Split(std::string_view expression) {
  std::vector<std::string> shown;
  for (const ObservedOperand& operand : ObservedOperands(expression)) {
    shown.push_back(Shown(operand));
  }
  return shown;
}

struct SplitCase {
  std::string expression;
  std::vector<std::string> operands;
};

const SplitCase kOneComparison[] = {
    {"queue_depth > 90", {"queue_depth > 90"}},
    {"queue_depth>90", {"queue_depth > 90"}},
    {"  queue_depth >= 90  ", {"queue_depth >= 90"}},
    {"up == 0", {"up == 0"}},
    {"up != 1", {"up != 1"}},
    {"free < 1e3", {"free < 1000"}},
    {"free <= .5", {"free <= 0.5"}},
    {"free <= 5.", {"free <= 5"}},
    {"free < 0x1F", {"free < 31"}},
    {"free < 1E-3", {"free < 0.001"}},
    {"free < +Inf", {"free < inf"}},
    {"free > -inf", {"free > -inf"}},
    {"free > - 5", {"free > -5"}},
    {"free > -(5)", {"free > -5"}},
    {"free > (-(+(5)))", {"free > -5"}},
    {"(free > 5)", {"free > 5"}},
    {"((free) > (5))", {"free > 5"}},
    {"5 < free", {"free > 5"}},
    {"5 <= free", {"free >= 5"}},
    {"5 > free", {"free < 5"}},
    {"5 >= free", {"free <= 5"}},
    {"5 == free", {"free == 5"}},
    {"-5 != free", {"free != -5"}},
    {"a + b > 5", {"a + b > 5"}},
    {"a / b * 100 > 5", {"a / b * 100 > 5"}},
    {"-x > 5", {"-x > 5"}},
    {"a ^ 2 % 3 > 5", {"a ^ 2 % 3 > 5"}},
    {"sum(rate(x[5m])) by (job) > 5", {"sum(rate(x[5m])) by (job) > 5"}},
    {"sum by (job) (x{a=\"b\"}) > 5", {"sum by (job) (x{a=\"b\"}) > 5"}},
    {"x offset 5m > 5", {"x offset 5m > 5"}},
    {"x offset -5m > 5", {"x offset -5m > 5"}},
    {"x @ 1609746000 > 5", {"x @ 1609746000 > 5"}},
    {"x @ end() > 5", {"x @ end() > 5"}},
    {"x{a!=\"b\",c=~\"d|e\"} > 5", {"x{a!=\"b\",c=~\"d|e\"} > 5"}},
    {"{__name__=~\"a>b\"} > 5", {"{__name__=~\"a>b\"} > 5"}},
    {"x{a=\"}>\\\"\"} > 5", {"x{a=\"}>\\\"\"} > 5"}},
    {"x{a='>',b=`\\`} > 5", {"x{a='>',b=`\\`} > 5"}},
    {"sum by (\"service.name\", job) (x)>5", {"sum by (\"service.name\", job) (x) > 5"}},
    {"sum(x) without (\"service.name\")>5", {"sum(x) without (\"service.name\") > 5"}},
    {"job:x:rate5m > 5", {"job:x:rate5m > 5"}},
    {":x > 5", {":x > 5"}},
    {"max_over_time(x[5m:1m]) > 5", {"max_over_time(x[5m:1m]) > 5"}},
    {"max_over_time(x[5m:]) > 5", {"max_over_time(x[5m:]) > 5"}},
    {"count(x > 3) > 5", {"count(x > 3) > 5"}},
    {"sum(a and b) > 5", {"sum(a and b) > 5"}},
    {"(a and b) > 5", {"a and b > 5"}},
    {"absent(x) == 1", {"absent(x) == 1"}},
    {"x > 5 # more than five", {"x > 5"}},
    {"# why\nx # > 3\n > 5", {"x > 5"}},
    {"a * on(job) group_left b > 5", {"a * on(job) group_left b > 5"}},
    {"x{on=\"1\",and=\"2\"} > 5", {"x{on=\"1\",and=\"2\"} > 5"}},
    {"inf_x > 5", {"inf_x > 5"}},
    {"atan2_total > 5", {"atan2_total > 5"}},
    {"x > 010", {"x > 8"}},
    {"x > 08", {"x > 8"}},
    {"x > 5 * 60", {"x > 300"}},
    {"x > (1 + 2) * 3 - 4 / 2", {"x > 7"}},
    {"x > 1 + 2 * 3", {"x > 7"}},
    {"x > 2 * 3 ^ 2", {"x > 18"}},
    {"x > 1024 ^ 3", {"x > 1073741824"}},
    {"x > 2 ^ 3 ^ 2", {"x > 512"}},
    {"x > -2 ^ 2", {"x > -4"}},
    {"x > 7 % 4", {"x > 3"}},
    {"x > 10 / 4", {"x > 2.5"}},
    {"x > 5m", {"x > 300"}},
    {"x > 1h30m", {"x > 5400"}},
    {"x > 2 ^ 0.5", {"x >"}},
    {"x > 3 ^ 64", {"x >"}},
    {"x > 1 atan2 2", {"x >"}},
    {"x > 1500ms", {"x >"}},
    {"2 ^ 0.5 > x", {"x <"}},
    {"x != NaN", {"x != nan"}},
    {"(((x) > (5)))", {"x > 5"}},
    {"x >= bool 5 == 1", {"x >= bool 5 == 1"}},
    {"-(x) ^ 2 > 5", {"-(x) ^ 2 > 5"}},
    {"x or y > 5", {"x", "y > 5"}},
    {"(x or vector(0)) > 5", {"x or vector(0) > 5"}},
    {"count(up == 0) by (job) / count(up) by (job) > .5",
     {"count(up == 0) by (job) / count(up) by (job) > 0.5"}},
    {"(a > 5) * 100 < 700", {"(a > 5) * 100 < 700"}},
    {"rate(x[5m] offset 1h @ start()) > 0", {"rate(x[5m] offset 1h @ start()) > 0"}},
    {"x{a=\"# not a comment\"} > 5", {"x{a=\"# not a comment\"} > 5"}},
    {"a #comment ) \n + b > 5", {"a #comment ) \n + b > 5"}},
    {"a + on(job) group_left(x) b > 5", {"a + on(job) group_left(x) b > 5"}},
    {"quantile_over_time(0.9, x[1h:5m]) > 5", {"quantile_over_time(0.9, x[1h:5m]) > 5"}},
    {"SUM BY (job) (x) > 5", {"SUM BY (job) (x) > 5"}},
    {"count > 5", {"count > 5"}},
    {"time() - x > 5", {"time() - x > 5"}},
};

const SplitCase kSeveralOperands[] = {
    {"x > 5 and y > 3", {"x > 5", "y > 3"}},
    {"x > 5 AND (y < 3 or 2 > z)", {"x > 5", "y < 3", "z < 2"}},
    {"x > 5 or y", {"x > 5", "y"}},
    {"x and y > 3", {"x", "y > 3"}},
    // Whatever stands on the right of `unless` keeps the alert from firing.
    {"x > 5 unless y", {"x > 5", "y"}},
    {"x > 5 UNLESS y > 3", {"x > 5", "y"}},
    {"x > 5 unless (y > 3 and z > 2)", {"x > 5", "y", "z"}},
    {"(x > 5 unless y > 3) and z > 2", {"x > 5", "y", "z > 2"}},
    // `and` binds tighter than `or`.
    {"a > 1 or b > 2 and c > 3", {"a > 1", "b > 2", "c > 3"}},
    // Two series of measurements against each other.
    {"x > y", {"x >", "y <"}},
    {"x >= y * 2", {"x >=", "y * 2 <="}},
    {"x == on(job) y", {"x ==", "y == on(job)"}},
    {"x < on(job, a) group_left(b) y", {"x <", "y > on(job,a)"}},
    {"x < on(job) group_right y", {"x < on(job)", "y >"}},
    {"x > ignoring(job) group_left y", {"x >", "y <"}},
    {"x > scalar(y)", {"x >", "scalar(y) <"}},
    {"time() > x", {"time() >", "x <"}},
    {"x > on() y > 5", {"x", "y < on()"}},
    {"x == on(\"k8s.pod\") y", {"x ==", "y == on(k8s.pod)"}},
    {"x == on('a\\'b\\\\', `c d`, e,) y", {"x ==", "y == on(a'b\\,c d,e)"}},
    {"x < ignoring(\"a.b\") group_left(\"c.d\") y", {"x <", "y >"}},
    {"x > 5 and on(\"job\", a) (y > 3 and on(job) z > 2)",
     {"x > 5", "y > 3 on(job,a)", "z > 2 on(job)"}},
    // Matched with the side that has the alert's labels.
    {"x > 5 and on(job) y > 3", {"x > 5", "y > 3 on(job)"}},
    {"x > 5 and on() y", {"x > 5", "y on()"}},
    {"x > 5 and ignoring(a) y > 3", {"x > 5", "y > 3"}},
    {"x > 5 unless on(job) y > 3", {"x > 5", "y on(job)"}},
    {"x > 5 or on(job) y > 3", {"x > 5", "y > 3"}},
    {"x > 5 and on(job, a) (y > 3 and on(a) z > 2)", {"x > 5", "y > 3 on(job,a)", "z > 2 on(a)"}},
    {"x > 5 and on(job) (y > 3 and on(a) z > 2)", {"x > 5", "y > 3 on(job)", "z > 2"}},
    {"x > 5 and on(job) (y > 3 and z > 2)", {"x > 5", "y > 3 on(job)", "z > 2 on(job)"}},
    // No single bound tells it all.
    {"0 < x < 5", {"x"}},
    {"x > 5 < 10", {"x"}},
    {"(x > 5) > 3", {"x"}},
    {"3 < (x > 5)", {"x"}},
    {"x > 80 unless x > 90", {"x"}},
    {"x > 80 and x{} > 90", {"x > 80", "x{} > 90"}},
    {"x < 5 or x> 10", {"x"}},
    {"rate(x[5m]) < 5 or rate( x [5m]) > 10", {"rate(x[5m])"}},
    {"x > y > 3", {"x", "y <"}},
    {"((a > 3) or b) > 5", {"a", "b > 5"}},
    {"((a > 3) unless b) > 5", {"a", "b"}},
    {"absent(x) or x > 5", {"absent(x)", "x > 5"}},
};

// Nothing in them leaves anything out, or nothing can be said about them.
const char* const kWhole[] = {
    "queue_depth",
    "absent(x)",
    "absent(x > 5)",
    "absent_over_time(x[5m])",
    "-x",
    "-(x > 5)",
    "a and b",
    "a and on(job) b",
    "a or b unless c",
    "x > bool 5",
    "x > BOOL 5",
    "1 > 2",
    "sum(x > 5)",
    "(x > 5) * 2",
    "x offset 5m",
    "time() > 5",
    "time() > bool 5",
    "vector(1)",
    "x > 1_000",
    "x > 1.2.3",
    "x > \"5\"",
    "x[5m] > 5",
    "x > y[5m:]",
    "5 and x",
    "x and bool y > 5",
    "x + bool y > 5",
    "x and on(job) group_left y > 5",
    "x > on(job group_left y",
    "x > on(\"\") y",
    "x > on(\"a\\n\") y",
    "x > on(\"a\" \"b\") y",
    "sum by (\"a\" (x) > 5",
    "x > on y",
    "x > group_left y",
    "x > 5 y",
    "x y > 5",
    "sum by (job) > 5",
    "sum by (job) (x) by (job) > 5",
    "sum(x,) > 5",
    "x offset > 5",
    "x @ > 5",
    "5 offset 5m > x",
    "bool > 5",
    "x >",
    "> 5",
    "x > (5",
    "x) > (5",
    "(x > 5]",
    "x{a=\"b\" > 5",
    "x{a=\"b} > 5",
    "x{a=\"b\n\"} > 5",
    "x ! 5",
    "x = 5",
    "x =~ 5",
    "x > 5 $",
    "x > 5 ; y",
    "x, y > 5",
    "x > 5\xc3\xa4",
    "\xff > 5",
    "x > -",
    "x > *5",
    "x anchored > 5",
    "()",
    "[",
    "\"",
};

TEST(PromqlOperands, SplitsAtOneComparisonWithANumber) {
  for (const SplitCase& c : kOneComparison) EXPECT_EQ(Split(c.expression), c.operands);
}

TEST(PromqlOperands, ObservesEverySideThatDecides) {
  for (const SplitCase& c : kSeveralOperands) {
    EXPECT_EQ(Split(c.expression), c.operands) << c.expression;
  }
}

TEST(PromqlOperands, ObservesTheWholeExpressionOnAnyDoubt) {
  for (const std::string expression : kWhole) {
    EXPECT_THAT(Split(expression), ElementsAre(expression));
  }
}

TEST(PromqlOperands, StripsWhatStandsAroundAWholeExpression) {
  EXPECT_THAT(Split(" \n((up)) # comment"), ElementsAre("up"));
  EXPECT_THAT(Split(" \xff "), ElementsAre("\xff"));
  EXPECT_THAT(Split(""), IsEmpty());
  EXPECT_THAT(Split("  "), IsEmpty());
}

TEST(PromqlOperands, DeepAndLongExpressionsAreObservedWhole) {
  const std::string deep(kObservedOperandsMax * 1000, '(');
  const std::string closed(deep.size(), ')');
  EXPECT_THAT(Split(deep + "x > 5" + closed), ElementsAre("x > 5"));
  std::string sides = "x > 5";
  for (int i = 0; i < 99; ++i) sides += " or x > 5";
  EXPECT_THAT(Split(sides), ElementsAre("x"));
  for (int i = 0; i < 9; ++i) sides += " or x > 5";
  EXPECT_THAT(Split(sides), ElementsAre(sides));
  std::string many = "x0 > 5";
  for (size_t i = 1; i < kObservedOperandsMax; ++i) many += fmt::format(" and x{} > 5", i);
  EXPECT_EQ(Split(many).size(), kObservedOperandsMax);
  many += " and y > 5";
  EXPECT_THAT(Split(many), ElementsAre(many));
}

TEST(PromqlOperands, RandomTextNeverConfusesIt) {
  std::mt19937_64 random(TestSeed());
  const std::vector<std::string> pieces = {
      "up",  "x",  "5",    "-",      "+",          "(",  ")",       "(",  ")",      "{",
      "}",   "[",  "]",    ">",      "<",          "==", "!=",      ">=", "=",      "=~",
      "and", "or", "bool", "on",     "sum",        "by", "a=\"b\"", "\"", "unless", "`",
      "\\",  "#",  "\n",   " ",      " ",          ",",  ":",       "@",  "offset", "5m",
      "0x1", "1e", "Inf",  "on(a) ", "on('a.b') ", ".",  "\xff",    "$",  "*"};
  for (int round = 0; round < 20000; ++round) {
    std::string expression;
    for (size_t i = random() % 12; i > 0; --i) expression += pieces[random() % pieces.size()];
    for (const ObservedOperand& operand : ObservedOperands(expression)) {
      ASSERT_GE(operand.expression.data(), expression.data()) << expression;
      ASSERT_LE(operand.expression.data() + operand.expression.size(),
                expression.data() + expression.size());
      ASSERT_FALSE(operand.threshold.has_value() && operand.comparison_operator.empty())
          << expression;
      ASSERT_THAT(Split(operand.expression), ElementsAre(std::string(operand.expression)))
          << expression;
    }
    if (IsPlainSelector(expression)) {
      ASSERT_THAT(Split(expression), ElementsAre(std::string(StripParentheses(expression))));
      ASSERT_TRUE(IsPlainSelector(StripParentheses(expression))) << expression;
    }
  }
}

}  // namespace
}  // namespace alertjoin
