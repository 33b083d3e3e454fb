#include "common/text/matchers.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>

#include "common/status/status.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using std::string_view_literals::operator""sv;

std::string Canonical(std::string_view text) {
  const auto matchers = ParseMatchers(text);
  return matchers.ok() ? matchers->ToString() : MessageOf(matchers.status());
}

bool MatchesLabels(std::string_view text, const LabelSet& labels) {
  const auto matchers = ParseMatchers(text);
  EXPECT_THAT(matchers, IsOk());
  return matchers.ok() && matchers->Matches(labels);
}

// Expects the refusal, its column, and the words in it.
void ExpectRefused(std::string_view text, std::string_view words) {
  const auto matchers = ParseMatchers(text);
  EXPECT_THAT(matchers, StatusIs(absl::StatusCode::kInvalidArgument, std::string(words))) << text;
  if (matchers.ok()) return;
  const auto detail = DetailOf(matchers.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_FILTER");
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, "filter");
  EXPECT_NE(detail->field_violations[0].description.find(words), std::string::npos);
}

TEST(Matchers, EmptyTextMatchesEverything) {
  for (const char* text : {"", "  ", "{}", " { } "}) {
    EXPECT_EQ(Canonical(text), "{}") << text;
    EXPECT_TRUE(MatchesLabels(text, {}));
    EXPECT_TRUE(MatchesLabels(text, {{"a", "b"}}));
  }
}

TEST(Matchers, AllWaysOfWritingParseToTheSame) {
  for (const char* text : {
           "severity=critical,job=~\"api.*\"",
           "{severity=critical,job=~\"api.*\"}",
           "  {  severity = critical , job  =~  \"api.*\" , } ",
           "job=~api.*,severity=\"critical\"",
           "\"job\"=~\"api.*\",\"severity\"=critical,",
           "severity=critical,severity=critical,job=~api.*",
       }) {
    EXPECT_EQ(Canonical(text), "{job=~\"api.*\",severity=\"critical\"}") << text;
  }
}

TEST(Matchers, EachOperatorDecides) {
  const LabelSet labels = {{"job", "api"}};
  EXPECT_TRUE(MatchesLabels("job=api", labels));
  EXPECT_FALSE(MatchesLabels("job=web", labels));
  EXPECT_FALSE(MatchesLabels("job!=api", labels));
  EXPECT_TRUE(MatchesLabels("job!=web", labels));
  EXPECT_TRUE(MatchesLabels("job=~a.i", labels));
  EXPECT_FALSE(MatchesLabels("job=~w.*", labels));
  EXPECT_FALSE(MatchesLabels("job!~a.i", labels));
  EXPECT_TRUE(MatchesLabels("job!~w.*", labels));
}

TEST(Matchers, ExpressionsMatchTheWholeValue) {
  const LabelSet labels = {{"job", "api-1"}};
  EXPECT_FALSE(MatchesLabels("job=~api", labels));
  EXPECT_TRUE(MatchesLabels("job!~api", labels));
  EXPECT_FALSE(MatchesLabels("job=~api|-1", labels));
  EXPECT_TRUE(MatchesLabels("job=~api.*|x", labels));
}

TEST(Matchers, AbsentLabelEqualsEmptyOne) {
  for (const LabelSet& labels : {LabelSet{}, LabelSet{{"job", ""}}}) {
    EXPECT_TRUE(MatchesLabels("job=", labels));
    EXPECT_TRUE(MatchesLabels("job=\"\"", labels));
    EXPECT_TRUE(MatchesLabels("job!=api", labels));
    EXPECT_TRUE(MatchesLabels("job=~.*", labels));
    EXPECT_FALSE(MatchesLabels("job=~.+", labels));
    EXPECT_FALSE(MatchesLabels("job!=\"\"", labels));
  }
}

TEST(Matchers, AllMatchersMustHold) {
  const LabelSet labels = {{"job", "api"}, {"severity", "critical"}};
  EXPECT_TRUE(MatchesLabels("job=api,severity=critical", labels));
  EXPECT_FALSE(MatchesLabels("job=api,severity=page", labels));
  EXPECT_FALSE(MatchesLabels("job=web,severity=critical", labels));
}

TEST(Matchers, QuotedValueMayContainAnything) {
  EXPECT_TRUE(MatchesLabels("a=\"x,y}z{ = \"", {{"a", "x,y}z{ = "}}));
  EXPECT_TRUE(MatchesLabels(R"(a="q\"b\\n\n")", {{"a", "q\"b\\n\n"}}));
  // Any other backslash stands for itself, as in Alertmanager.
  EXPECT_TRUE(MatchesLabels(R"(a=~"api\.v1")", {{"a", "api.v1"}}));
  EXPECT_FALSE(MatchesLabels(R"(a=~"api\.v1")", {{"a", "apixv1"}}));
  EXPECT_TRUE(MatchesLabels(R"(a=~"api\\.v1")", {{"a", "api.v1"}}));
}

TEST(Matchers, UnquotedValueEndsAtCommaOrBraceWithoutOuterSpaces) {
  EXPECT_TRUE(
      MatchesLabels("{alertname= Disk full ,a=b }", {{"alertname", "Disk full"}, {"a", "b"}}));
  EXPECT_TRUE(MatchesLabels("a=k=v", {{"a", "k=v"}}));
  EXPECT_TRUE(MatchesLabels("a=C:\\x", {{"a", "C:\\x"}}));
}

TEST(Matchers, LabelNamesMayHaveDotsDashesAndColonsOrBeQuoted) {
  EXPECT_TRUE(MatchesLabels("k8s.io-name:x=1", {{"k8s.io-name:x", "1"}}));
  EXPECT_TRUE(MatchesLabels("\"größe {cm}\"=1", {{"größe {cm}", "1"}}));
  EXPECT_EQ(Canonical("\"größe {cm}\"=1"), "{\"größe {cm}\"=\"1\"}");
}

TEST(Matchers, ErrorsNameColumnAndWhatWasExpected) {
  ExpectRefused("severity", "column 9: expected \"=\", \"!=\", \"=~\" or \"!~\"");
  ExpectRefused("severity critical", "column 10: expected \"=\"");
  ExpectRefused("a=b,,c=d", "column 5: expected a label name");
  ExpectRefused(",", "column 1: expected a label name");
  ExpectRefused("1a=b", "column 1: expected a label name");
  ExpectRefused("=b", "column 1: expected a label name");
  ExpectRefused("\"\"=b", "column 1: expected a label name, found an empty one");
  ExpectRefused("a==b", "column 2: expected \"=\" for equality");
  ExpectRefused("a=b c=d", "column 6: expected \",\" before this matcher");
  ExpectRefused("a=\"b\" c=d", "column 7: expected \",\" or the end");
  ExpectRefused("a=\"b", "column 3: expected a closing quote");
  ExpectRefused("a=b\"c", "column 4: expected \",\"");
  ExpectRefused("a='b'", "column 3: expected a value in double quotes");
  ExpectRefused("a=~`b`", "column 4: expected a value in double quotes");
  ExpectRefused("{a=b", "column 5: expected \",\" or \"}\", found the end");
  ExpectRefused("a=b}", "column 4: expected \",\" or the end");
  ExpectRefused("{a=b}x", "column 6: expected the end");
  ExpectRefused("a=~\"(\"", "column 4: \"(\" is no RE2 regular expression: missing )");
  ExpectRefused("a=~\"(?=x)\"", "no RE2 regular expression");
  ExpectRefused("a!b", "column 2: expected \"=\"");
}

TEST(Matchers, ColumnsCountCharacters) { ExpectRefused("\"größe\"=1,=", "column 11:"); }

TEST(Matchers, RegexThatIsNoUtf8IsRefused) { ExpectRefused("a=~\xff", "no RE2"); }

TEST(Matchers, SizesAreLimited) {
  EXPECT_THAT(ParseMatchers("a=" + std::string(kMatchersTextBytesMax - 2, 'x')), IsOk());
  ExpectRefused("a=" + std::string(kMatchersTextBytesMax - 1, 'x'), "at most 16384 bytes");
  std::string most;
  for (size_t i = 0; i < kMatchersMax; ++i) most += "a=b,";
  EXPECT_THAT(ParseMatchers(most), IsOk());
  ExpectRefused(most + "a=b", "column 257: expected at most 64 matchers");
  ExpectRefused("a=~\"((a{100}){100}){100}\"", "no RE2 regular expression");
}

// Whatever the bytes: either refused with a reason, or its canonical text parses to the same.
TEST(Matchers, AnyTextIsRefusedOrReadBack) {
  std::mt19937_64 random(TestSeed());
  const std::string_view alphabet = "ab=!~\",{}\\ \n.*(|[+?\xc3\xb6\xff\x00-1:"sv;
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t length = random() % 24; length > 0; --length) {
      text += alphabet[random() % alphabet.size()];
    }
    const auto matchers = ParseMatchers(text);
    if (!matchers.ok()) {
      ASSERT_EQ(DetailOf(matchers.status())->reason, "INVALID_FILTER");
      continue;
    }
    ++accepted;
    const auto again = ParseMatchers(matchers->ToString());
    ASSERT_THAT(again, IsOk()) << testing::PrintToString(text);
    ASSERT_EQ(*again, *matchers) << testing::PrintToString(text);
    const LabelSet labels = {{"a", text}, {"b", "b"}};
    ASSERT_EQ(again->Matches(labels), matchers->Matches(labels));
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace alertjoin
