#include "common/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status/error_metadata.h"
#include "common/status/error_reason.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

absl::StatusOr<int> Half(int number) {
  if (number % 2 != 0) return absl::InvalidArgumentError("odd");
  return number / 2;
}

absl::StatusOr<int> Quarter(int number) {
  ASSIGN_OR_RETURN(const int half, Half(number));
  ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckQuarter(int number) {
  RETURN_IF_ERROR(Quarter(number));
  return absl::OkStatus();
}

TEST(Status, MacrosPassErrorsOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument, "odd"));
  EXPECT_THAT(CheckQuarter(8), IsOk());
  EXPECT_THAT(CheckQuarter(3), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Status, AReasonOfTheListHasItsStatusCode) {
  const absl::Status status =
      MakeError("SEQUENCE_HOLE", "a hole", {"", {}, {{"expected_sequence", "7"}}});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, "a hole"));
  const auto detail = DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "SEQUENCE_HOLE");
  ASSERT_EQ(detail->metadata.size(), 1u);
  EXPECT_EQ(detail->metadata[0].second, "7");
}

TEST(Status, CarriesItsDetailThroughAnnotation) {
  const absl::Status status =
      Annotate(WithDetail(absl::InvalidArgumentError("bad"),
                          {"INVALID_FILTER", {{"filter", "column 3 \xff"}}, {{"key", "value"}}}),
               "list");
  EXPECT_EQ(MessageOf(status), "list: bad");
  const auto detail = DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_FILTER");
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, "filter");
  ASSERT_EQ(detail->metadata.size(), 1u);
  EXPECT_EQ(detail->metadata[0].second, "value");
}

TEST(Status, MetadataIsAddedToADetailOnly) {
  const absl::Status status =
      WithDetail(absl::UnavailableError("bad"), {"STOPPING", {{"field", "why"}}, {{"a", "1"}}});
  const absl::Status more = WithMetadata(status, "b", "2");
  EXPECT_EQ(more.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(MessageOf(more), "bad");
  EXPECT_EQ(DetailOf(more)->reason, "STOPPING");
  EXPECT_EQ(DetailOf(more)->field_violations.size(), 1u);
  const std::vector<std::pair<std::string, std::string>> wanted{{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(DetailOf(more)->metadata, wanted);
  EXPECT_FALSE(DetailOf(WithMetadata(absl::InternalError("x"), "b", "2")).has_value());
  EXPECT_THAT(WithMetadata(absl::OkStatus(), "b", "2"), IsOk());
}

TEST(Status, AnnotationLeavesOkAlone) {
  EXPECT_THAT(Annotate(absl::OkStatus(), "list"), IsOk());
  EXPECT_FALSE(DetailOf(absl::InternalError("x")).has_value());
}

TEST(Excerpt, EscapesAndCutsAnything) {
  EXPECT_EQ(Excerpt("plain", 10), "plain");
  EXPECT_EQ(Excerpt("too long", 3), "too...");
  EXPECT_EQ(Excerpt(std::string_view("a\"\\\n\0\xff", 6), 10), "a\\\"\\\\\\x0a\\x00\\xff");
}

TEST(CheckDeathTest, AbortsWithTheCondition) { EXPECT_DEATH(CHECK(1 + 1 == 3), "1 \\+ 1 == 3"); }

}  // namespace
}  // namespace alertjoin
