#include "ingest-service/prometheus/promql_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

struct SplitCase {
  std::string expression;
  std::string observed;
  std::string comparison_operator;
  std::optional<double> threshold;
};

// Cases of expressions that are taken apart.
const SplitCase kSplit[] = {
    {"queue_depth > 90", "queue_depth", ">", 90},
    {"queue_depth>90", "queue_depth", ">", 90},
    {"  queue_depth >= 90  ", "queue_depth", ">=", 90},
    {"up == 0", "up", "==", 0},
    {"up != 1", "up", "!=", 1},
    {"free < 1e3", "free", "<", 1000},
    {"free <= .5", "free", "<=", 0.5},
    {"free <= 5.", "free", "<=", 5},
    {"free < 0x1F", "free", "<", 31},
    {"free < 1E-3", "free", "<", 0.001},
    {"free < +Inf", "free", "<", INFINITY},
    {"free > -inf", "free", ">", -INFINITY},
    {"free > - 5", "free", ">", -5},
    {"free > -(5)", "free", ">", -5},
    {"free > (-(+(5)))", "free", ">", -5},
    {"(free > 5)", "free", ">", 5},
    {"((free) > (5))", "(free)", ">", 5},
    {"5 < free", "free", ">", 5},
    {"5 <= free", "free", ">=", 5},
    {"5 > free", "free", "<", 5},
    {"5 >= free", "free", "<=", 5},
    {"5 == free", "free", "==", 5},
    {"-5 != free", "free", "!=", -5},
    {"a + b > 5", "a + b", ">", 5},
    {"a / b * 100 > 5", "a / b * 100", ">", 5},
    {"-x > 5", "-x", ">", 5},
    {"a ^ 2 % 3 > 5", "a ^ 2 % 3", ">", 5},
    {"sum(rate(x[5m])) by (job) > 5", "sum(rate(x[5m])) by (job)", ">", 5},
    {"sum by (job) (x{a=\"b\"}) > 5", "sum by (job) (x{a=\"b\"})", ">", 5},
    {"x offset 5m > 5", "x offset 5m", ">", 5},
    {"x offset -5m > 5", "x offset -5m", ">", 5},
    {"x @ 1609746000 > 5", "x @ 1609746000", ">", 5},
    {"x @ end() > 5", "x @ end()", ">", 5},
    {"x{a!=\"b\",c=~\"d|e\"} > 5", "x{a!=\"b\",c=~\"d|e\"}", ">", 5},
    {"{__name__=~\"a>b\"} > 5", "{__name__=~\"a>b\"}", ">", 5},
    {"x{a=\"}>\\\"\"} > 5", "x{a=\"}>\\\"\"}", ">", 5},
    {"x{a='>',b=`\\`} > 5", "x{a='>',b=`\\`}", ">", 5},
    {"job:x:rate5m > 5", "job:x:rate5m", ">", 5},
    {":x > 5", ":x", ">", 5},
    {"max_over_time(x[5m:1m]) > 5", "max_over_time(x[5m:1m])", ">", 5},
    {"max_over_time(x[5m:]) > 5", "max_over_time(x[5m:])", ">", 5},
    {"count(x > 3) > 5", "count(x > 3)", ">", 5},
    {"sum(a and b) > 5", "sum(a and b)", ">", 5},
    {"(a and b) > 5", "(a and b)", ">", 5},
    {"absent(x) == 1", "absent(x)", "==", 1},
    {"x > 5 # more than five", "x", ">", 5},
    {"# why\nx # > 3\n > 5", "x", ">", 5},
    {"a * on(job) group_left b > 5", "a * on(job) group_left b", ">", 5},
    {"x{on=\"1\",and=\"2\"} > 5", "x{on=\"1\",and=\"2\"}", ">", 5},
    {"inf_x > 5", "inf_x", ">", 5},
    {"atan2_total > 5", "atan2_total", ">", 5},
};

// Cases of expressions that are observed as a whole.
const char* const kWhole[] = {
    "queue_depth",
    "absent(x)",
    "x > y",
    "x > 5 * 2",
    "x > 5 and y > 3",
    "x > 5 or y",
    "x > 5 UNLESS y",
    "x > bool 5",
    "x > BOOL 5",
    "x > on(job) y",
    "x > ignoring(job) group_left y",
    "x > 5 < 10",
    "0 < x < 5",
    "(x > 5) > 3",
    "3 < (x > 5)",
    "1 > 2",
    "sum(x > 5)",
    "x > scalar(y)",
    "x > 5m",
    "x > 010",
    "x > 1_000",
    "x > 1.2.3",
    "x > \"5\"",
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
    "()",
    "[",
    "\"",
};

TEST(PromqlText, SplitsAtASingleComparisonWithANumber) {
  for (const SplitCase& c : kSplit) {
    const ObservedComparison split = SplitComparison(c.expression);
    EXPECT_EQ(split.observed, c.observed) << c.expression;
    EXPECT_EQ(split.comparison_operator, c.comparison_operator) << c.expression;
    EXPECT_EQ(split.threshold, c.threshold) << c.expression;
  }
}

TEST(PromqlText, ThresholdCanBeNaN) {
  const ObservedComparison split = SplitComparison("x != NaN");
  EXPECT_EQ(split.observed, "x");
  ASSERT_TRUE(split.threshold.has_value());
  EXPECT_TRUE(std::isnan(*split.threshold));
}

TEST(PromqlText, ObservesTheWholeExpressionOnAnyDoubt) {
  for (const std::string expression : kWhole) {
    const ObservedComparison split = SplitComparison(expression);
    EXPECT_EQ(split.observed, expression);
    EXPECT_EQ(split.comparison_operator, "") << expression;
    EXPECT_EQ(split.threshold, std::nullopt) << expression;
  }
}

TEST(PromqlText, TrimsSpacesAndCommentsAroundAWholeExpression) {
  EXPECT_EQ(SplitComparison(" \n(up) # comment").observed, "(up)");
  EXPECT_EQ(SplitComparison("").observed, "");
  EXPECT_EQ(SplitComparison("  ").observed, "");
  EXPECT_EQ(SplitComparison(" \xff ").observed, "\xff");
}

TEST(PromqlText, TellsPlainSelectorsFromOtherExpressions) {
  for (const std::string expression :
       {"up", " up ", "(up)", "((up))", "job:x:rate5m", "up{}", "up{job=\"a\"}", "{job=\"a\"}",
        "up{job=~\"a.*\",instance!=\"b\",}", "up {job!~'a'}", "(up{a=`b`}) # all", "sum",
        "offset_x", "{\"my.metric\"}", "{\"my.metric\",\"a b\"=\"c\"}",
        "up{bool=\"1\",by=\"2\"}"}) {
    EXPECT_TRUE(IsPlainSelector(expression)) << expression;
  }
  for (const std::string expression : {"",
                                       "()",
                                       "5",
                                       "inf",
                                       "NaN",
                                       "\"text\"",
                                       "up offset 5m",
                                       "up @ 5",
                                       "up[5m]",
                                       "up[5m:1m]",
                                       "-up",
                                       "up + 1",
                                       "up > 5",
                                       "rate(up[5m])",
                                       "sum(up)",
                                       "sum by (job) (up)",
                                       "up, up",
                                       "up{job}",
                                       "up{job=}",
                                       "up{=\"a\"}",
                                       "up{job=\"a\" instance=\"b\"}",
                                       "up{job=\"a\",,}",
                                       "up up",
                                       "up{}{}",
                                       "{}{}",
                                       "up{a=\"b\"} and {c=\"d\"}",
                                       "(up",
                                       "up)",
                                       "bool",
                                       "OFFSET",
                                       "time()",
                                       "up\xc3\xa4",
                                       "5m"}) {
    EXPECT_FALSE(IsPlainSelector(expression)) << expression;
  }
}

TEST(PromqlText, StripsWhatARangeCannotStandBehind) {
  EXPECT_EQ(StripParentheses(" ((up{a=\")\"})) # all"), "up{a=\")\"}");
  EXPECT_EQ(StripParentheses("(a) + (b)"), "(a) + (b)");
  EXPECT_EQ(StripParentheses("(up"), "(up");
  EXPECT_EQ(StripParentheses(" () "), "()");
}

TEST(PromqlText, RandomTextNeverConfusesIt) {
  std::mt19937_64 random(TestSeed());
  const std::vector<std::string> pieces = {
      "up",  "x",  "5",       "-",  "+",   "(",  ")",   "(",   ")",   "{",    "}",    "[",
      "]",   ">",  "<",       "==", "!=",  ">=", "=",   "=~",  "and", "or",   "bool", "on",
      "sum", "by", "a=\"b\"", "\"", "'",   "`",  "\\",  "#",   "\n",  " ",    " ",    ",",
      ":",   "@",  "offset",  "5m", "0x1", "1e", "Inf", "NaN", ".",   "\xff", "$",    "*"};
  for (int round = 0; round < 20000; ++round) {
    std::string expression;
    for (size_t i = random() % 12; i > 0; --i) expression += pieces[random() % pieces.size()];
    const ObservedComparison split = SplitComparison(expression);
    ASSERT_GE(split.observed.data(), expression.data()) << expression;
    ASSERT_LE(split.observed.data() + split.observed.size(), expression.data() + expression.size());
    ASSERT_EQ(split.threshold.has_value(), !split.comparison_operator.empty()) << expression;
    const ObservedComparison again = SplitComparison(split.observed);
    ASSERT_EQ(again.observed, split.observed) << expression;
    ASSERT_TRUE(split.comparison_operator.empty() || again.comparison_operator.empty())
        << expression;
    if (IsPlainSelector(expression)) {
      ASSERT_EQ(split.comparison_operator, "") << expression;
      ASSERT_TRUE(IsPlainSelector(StripParentheses(expression))) << expression;
    }
  }
}

}  // namespace
}  // namespace alertjoin
