#include "common/net/grpc_status.h"

#include <gtest/gtest.h>

#include <string>

#include "common/status/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

TEST(GrpcStatus, OkStaysOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk());
}

TEST(GrpcStatus, CarriesReasonFieldsAndMetadataThereAndBack) {
  const ErrorDetail detail{"SEQUENCE_HOLE", {{"batch.base_sequence", "too large"}}, {{"a", "7"}}};
  const auto there = ToGrpcStatus(WithDetail(absl::OutOfRangeError("a hole"), detail));
  EXPECT_EQ(there.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(there.error_message(), "a hole");
  const absl::Status back = FromGrpcStatus(there);
  EXPECT_THAT(back, StatusIs(absl::StatusCode::kOutOfRange, "a hole"));
  const auto detail_back = DetailOf(back);
  ASSERT_TRUE(detail_back.has_value());
  EXPECT_EQ(detail_back->reason, "SEQUENCE_HOLE");
  ASSERT_EQ(detail_back->field_violations.size(), 1U);
  EXPECT_EQ(detail_back->field_violations[0].field, "batch.base_sequence");
  ASSERT_EQ(detail_back->metadata.size(), 1U);
  EXPECT_EQ(detail_back->metadata[0].second, "7");
}

TEST(GrpcStatus, DetailsAreTheStandardMessages) {
  const auto status =
      ToGrpcStatus(WithDetail(absl::InvalidArgumentError("m"), {"BAD", {{"f", "d"}}, {}}));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), 3);
  EXPECT_EQ(details.message(), "m");
  ASSERT_EQ(details.details_size(), 2);
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(details.details(1).type_url(), "type.googleapis.com/google.rpc.BadRequest");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.domain(), "alertjoin");
}

TEST(GrpcStatus, StatusWithoutDetailHasItsCodeAsReason) {
  const auto back = FromGrpcStatus(ToGrpcStatus(absl::InternalError("m")));
  ASSERT_TRUE(DetailOf(back).has_value());
  EXPECT_EQ(DetailOf(back)->reason, "INTERNAL");
}

TEST(GrpcStatus, LongTextsAreCutBetweenCharacters) {
  std::string message = "x";
  for (int i = 0; i < 10'000; ++i) message += "ä";
  ErrorDetail detail{"R", {}, {}};
  for (int i = 0; i < 100; ++i)
    detail.field_violations.push_back({"field", message.substr(0, 101)});
  const auto status = ToGrpcStatus(WithDetail(absl::InternalError(message), detail));
  EXPECT_LE(3 * status.error_message().size() + status.error_details().size() * 4 / 3, 8192U);
  EXPECT_EQ(status.error_message().substr(status.error_message().size() - 5), "ä...");
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
}

TEST(GrpcStatus, ForeignDetailsAndCodesAreNoError) {
  const grpc::Status foreign(grpc::StatusCode::ABORTED, "m", "\xff\xff garbage");
  EXPECT_THAT(FromGrpcStatus(foreign), StatusIs(absl::StatusCode::kAborted, "m"));
  EXPECT_FALSE(DetailOf(FromGrpcStatus(foreign)).has_value());
  const grpc::Status unknown(static_cast<grpc::StatusCode>(20), "m");
  EXPECT_THAT(FromGrpcStatus(unknown), StatusIs(absl::StatusCode::kUnknown, "m"));
}

}  // namespace
}  // namespace alertjoin
