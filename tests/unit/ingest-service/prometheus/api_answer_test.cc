#include "ingest-service/prometheus/api_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

TEST(ApiAnswer, GivesTheDataOfASuccess) {
  const auto data = DecodeApiData(200, R"({"status":"success","data":{"groups":[1,2]}})");
  ASSERT_THAT(data, IsOk());
  EXPECT_EQ(*data, nlohmann::json::parse(R"({"groups":[1,2]})"));
  const auto none = DecodeApiData(200, R"({"status":"success"})");
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->is_null());
}

TEST(ApiAnswer, TellsFaultsApart) {
  const auto bad = DecodeApiData(400, R"({"status":"error","errorType":"bad_data","error":"no"})");
  EXPECT_THAT(bad, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(bad.status().message()), HasSubstr("bad_data: no"));
  EXPECT_THAT(DecodeApiData(503, "Service Unavailable"), StatusIs(StatusCode::kUnavailable));
  // Less may be asked for then: the server's own limit, and that of a proxy before it.
  EXPECT_THAT(DecodeApiData(503, R"({"status":"error","errorType":"timeout","error":"long"})"),
              StatusIs(StatusCode::kDeadlineExceeded, "long"));
  EXPECT_THAT(DecodeApiData(504, "Gateway Time-out"), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(DecodeApiData(503, R"({"status":"error","errorType":"unavailable","error":"wait"})"),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeApiData(404, "404 page not found"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(DecodeApiData(401, ""), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(DecodeApiData(403, "<html>"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(DecodeApiData(302, ""), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(ApiAnswer, WhatIsNoneOfTheApisIsNotTakenForData) {
  EXPECT_THAT(DecodeApiData(200, "<html>log in</html>"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeApiData(200, "[1]"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeApiData(200, R"({"status":1,"data":{}})"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeApiData(500, R"({"status":"success","data":{}})"),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeApiData(200, "{\"status\":\"success\",\"data\":{}"),
              StatusIs(StatusCode::kUnavailable));
}

TEST(ApiAnswer, ADocumentIsBounded) {
  const std::string large(kApiDocumentBytesMax + 1, ' ');
  EXPECT_THAT(DecodeApiData(200, large), StatusIs(StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace alertjoin
