#include "ingest-service/prometheus/promql_text.h"

#include <gtest/gtest.h>

#include <string>

namespace alertjoin {
namespace {

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

}  // namespace
}  // namespace alertjoin
