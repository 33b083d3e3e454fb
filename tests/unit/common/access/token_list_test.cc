#include "common/access/token_list.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;

// printf %s reader-token | sha256sum
const std::string kReader = "ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45";
const std::string kPusher = "bf77905ed28e8a4f379c1da6826547a9e9d2dd4a2908e05d7889f0d415ace350";

TEST(TokenList, ATokenShowsWhoItIs) {
  const auto list =
      TokenList::Parse("# tokens\r\n\n  grafana \t" + kReader + "  \r\ningest-1 " + kPusher);
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->IdentityOf("reader-token"), "grafana");
  EXPECT_EQ(list->IdentityOf("pusher-token"), "ingest-1");
  for (const std::string& other :
       {std::string(), std::string("Reader-token"), std::string("reader-token "), kReader,
        std::string("reader-token\0", 13), std::string("reader-toke")}) {
    EXPECT_EQ(list->IdentityOf(other), std::nullopt) << other;
  }
}

TEST(TokenList, AnIdentityMayHaveTwoSoThatTheyCanBeChanged) {
  const auto list = TokenList::Parse("a " + kReader + "\na " + kPusher + "\n");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->IdentityOf("reader-token"), "a");
  EXPECT_EQ(list->IdentityOf("pusher-token"), "a");
}

TEST(TokenList, FaultsNameTheLineAndShowNothingOfIt) {
  for (const std::string& line :
       {std::string("reader-token"), "a b" + kReader, "a " + kReader.substr(1),
        "a " + kReader + "0", "a " + kReader + " x", std::string("a reader-token"),
        "a\"b " + kReader, kReader, "a g" + kReader.substr(1)}) {
    const auto list = TokenList::Parse("# one\n" + line + "\n");
    EXPECT_THAT(list, StatusIs(StatusCode::kInvalidArgument, "line 2: expected")) << line;
    EXPECT_EQ(MessageOf(list.status()).find("reader"), std::string::npos);
    EXPECT_EQ(MessageOf(list.status()).find("5005a40c"), std::string::npos);
  }
  EXPECT_THAT(TokenList::Parse("a " + kReader + "\nb " + kReader),
              StatusIs(StatusCode::kInvalidArgument, "line 2: this token is there already"));
}

TEST(TokenList, EmptyIsNobody) {
  const auto list = TokenList::Parse("");
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->empty());
  EXPECT_EQ(list->IdentityOf(""), std::nullopt);
}

}  // namespace
}  // namespace alertjoin
