#include "correlator-service/http/connect_error.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/escaping.h"
#include "common/net/grpc_status.h"
#include "common/status/status.h"
#include "google/rpc/error_details.pb.h"

namespace alertjoin {
namespace {

using nlohmann::json;

TEST(ConnectError, SaysCodeMessageAndDetails) {
  const absl::Status status =
      WithDetail(absl::InvalidArgumentError("filter: column 3: \"x\" expected"),
                 ErrorDetail{"INVALID_FILTER", {{"filter", "column 3"}}, {{"key", "value"}}});
  const HttpResponse response = ConnectErrorResponse(ToGrpcStatus(status));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  const json error = json::parse(response.body);
  EXPECT_EQ(error["code"], "invalid_argument");
  EXPECT_EQ(error["message"], "filter: column 3: \"x\" expected");
  ASSERT_EQ(error["details"].size(), 2u);
  EXPECT_EQ(error["details"][0]["type"], "google.rpc.ErrorInfo");
  EXPECT_EQ(error["details"][0]["debug"]["reason"], "INVALID_FILTER");
  EXPECT_EQ(error["details"][0]["debug"]["domain"], "alertjoin");
  EXPECT_EQ(error["details"][0]["debug"]["metadata"]["key"], "value");
  EXPECT_EQ(error["details"][1]["type"], "google.rpc.BadRequest");
  EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], "filter");

  // For programs: the message itself, without padding.
  const std::string value = error["details"][0]["value"].get<std::string>();
  EXPECT_EQ(value.find('='), value.npos);
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(value, &bytes));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(bytes));
  EXPECT_EQ(info.reason(), "INVALID_FILTER");
}

TEST(ConnectError, EveryCodeHasANameOfItsOwnAndAnErrorStatus) {
  std::set<std::string> names;
  for (int code = 1; code <= 16; ++code) {
    const grpc::Status status(static_cast<grpc::StatusCode>(code), "why");
    names.insert(json::parse(ConnectErrorJson(status))["code"].get<std::string>());
    EXPECT_GE(ConnectHttpStatus(status.error_code()), 400);
  }
  EXPECT_EQ(names.size(), 16u);
  // The table of the protocol.
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::CANCELLED), 499);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::DEADLINE_EXCEEDED), 504);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::NOT_FOUND), 404);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::RESOURCE_EXHAUSTED), 429);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::FAILED_PRECONDITION), 400);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::OUT_OF_RANGE), 400);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::UNIMPLEMENTED), 501);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::UNAVAILABLE), 503);
  EXPECT_EQ(ConnectHttpStatus(grpc::StatusCode::UNAUTHENTICATED), 401);
}

TEST(ConnectError, IsOneLineOfJsonWhateverTheMessage) {
  const grpc::Status status(grpc::StatusCode::INTERNAL, "a\nb\xff\"c");
  const std::string text = ConnectErrorJson(status);
  EXPECT_EQ(text.find('\n'), text.npos);
  EXPECT_EQ(json::parse(text)["code"], "internal");
}

TEST(ConnectError, WhatMayBeAskedAgainSaysWhen) {
  const auto headers = [](grpc::StatusCode code) {
    return ConnectErrorResponse(grpc::Status(code, "why")).headers;
  };
  EXPECT_EQ(headers(grpc::StatusCode::UNAVAILABLE).at(0).first, "Retry-After");
  EXPECT_EQ(headers(grpc::StatusCode::RESOURCE_EXHAUSTED).at(0).first, "Retry-After");
  EXPECT_TRUE(headers(grpc::StatusCode::INVALID_ARGUMENT).empty());
}

}  // namespace
}  // namespace alertjoin
