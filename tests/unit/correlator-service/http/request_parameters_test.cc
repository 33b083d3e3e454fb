#include "correlator-service/http/request_parameters.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr Timestamp kNow = Timestamp::FromMillis(1772323200000);

void Set(const std::string& name, const std::string& value, google::protobuf::Message& request) {
  EXPECT_THAT(SetParameter(name, value, kNow, &request), IsOk());
}

void ExpectRefused(const std::string& name, const std::string& value, const std::string& why) {
  v1::ListJoinedRowsRequest request;
  const absl::Status status = SetParameter(name, value, kNow, &request, {"limit"});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, why));
  const auto detail = DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_PARAMETER");
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, name);
}

TEST(RequestParameters, SetFieldsOfEveryKind) {
  v1::ListJoinedRowsRequest request;
  Set("filter", "a=b,c=~\"d.*\"", request);
  Set("state", "firing", request);
  Set("match_state", "MATCH_STATE_TOO_OLD", request);
  Set("final_only", "true", request);
  Set("from", "now-1h", request);
  Set("to", "1772323200", request);
  EXPECT_EQ(request.filter(), "a=b,c=~\"d.*\"");
  EXPECT_EQ(request.state(), v1::ALERT_STATE_FIRING);
  EXPECT_EQ(request.match_state(), v1::MATCH_STATE_TOO_OLD);
  EXPECT_TRUE(request.final_only());
  EXPECT_EQ(request.from().seconds(), 1772323200 - 3600);
  EXPECT_EQ(request.to().seconds(), 1772323200);

  v1::SubscribeJoinedRowsRequest subscription;
  Set("start", "live", subscription);
  Set("snapshot_window", "1h30m", subscription);
  Set("final_only", "0", subscription);
  EXPECT_EQ(subscription.start(), v1::SUBSCRIPTION_START_LIVE);
  EXPECT_EQ(subscription.snapshot_window().seconds(), 5400);
  EXPECT_FALSE(subscription.final_only());
}

TEST(RequestParameters, TimesComeInEveryForm) {
  for (const char* text : {"2026-03-01T00:00:00Z", "2026-03-01T01:00:00+01:00", "1772323200",
                           "1772323200000", "now"}) {
    v1::ListJoinedRowsRequest request;
    Set("from", text, request);
    EXPECT_EQ(request.from().seconds(), 1772323200) << text;
    EXPECT_EQ(request.from().nanos(), 0) << text;
  }
}

TEST(RequestParameters, FieldsOfTheSelectorNeedNoPrefix) {
  v1::ListSamplesRequest request;
  Set("query_name", "q", request);
  Set("filter", "a=b", request);
  Set("source", "s", request);
  EXPECT_EQ(request.series().query_name(), "q");
  EXPECT_EQ(request.series().filter(), "a=b");
  EXPECT_EQ(request.series().source(), "s");
}

TEST(RequestParameters, WhatIsNoneIsRefusedByName) {
  ExpectRefused("state", "burning", "expected one of FIRING, RESOLVED, found burning");
  ExpectRefused("final_only", "yes", "expected true or false");
  ExpectRefused("from", "yesterday", "from: ");
  ExpectRefused("colour", "red",
                "there are filter, final_only, from, limit, match_state, query_name, state, to");
  // Pages are not the caller's affair.
  ExpectRefused("page_token", "x", "no such parameter");
  ExpectRefused("page_size", "3", "no such parameter");
}

TEST(RequestParameters, AreListedForEveryMethod) {
  const auto* const file = v1::ListJoinedRowsRequest::descriptor()->file();
  const auto* const service = file->FindServiceByName("CorrelatorService");
  for (int i = 0; i < service->method_count(); ++i) {
    std::vector<std::string> names;
    for (const auto& parameter : RequestParameters(*service->method(i)->input_type())) {
      names.push_back(parameter.name);
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::unique(names.begin(), names.end()), names.end()) << service->method(i)->name();
  }
}

}  // namespace
}  // namespace alertjoin
