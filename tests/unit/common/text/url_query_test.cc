#include "common/text/url_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ParseUrlQueryTest, TheFirstEqualsSignEndsTheName) {
  EXPECT_THAT(ParseUrlQuery("filter=severity=page,job=~\"a|b\"&limit=10"),
              ElementsAre(Pair("filter", "severity=page,job=~\"a|b\""), Pair("limit", "10")));
  EXPECT_THAT(ParseUrlQuery("==a&=&b"), ElementsAre(Pair("", "=a"), Pair("", ""), Pair("b", "")));
}

TEST(ParseUrlQueryTest, EscapesAreDecodedAfterThePartsAreTold) {
  EXPECT_THAT(ParseUrlQuery("a%3Db=c%26d+e%2B%C3%A9"), ElementsAre(Pair("a=b", "c&d e+\xC3\xA9")));
}

TEST(ParseUrlQueryTest, BrokenEscapesStayAsTheyAre) {
  EXPECT_THAT(ParseUrlQuery("a=100%&b=%4&c=%zz+%41"),
              ElementsAre(Pair("a", "100%"), Pair("b", "%4"), Pair("c", "%zz+%41")));
  EXPECT_EQ(DecodeUrlQueryPart("%4"), std::nullopt);
}

TEST(ParseUrlQueryTest, RepeatedAndEmptyParts) {
  EXPECT_THAT(ParseUrlQuery("label=b&&label=a&"),
              ElementsAre(Pair("label", "b"), Pair("label", "a")));
  EXPECT_THAT(ParseUrlQuery(""), IsEmpty());
}

}  // namespace
}  // namespace alertjoin
