#include "common/access/access_table.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alertjoin/v1/correlator_service.pb.h"
#include "alertjoin/v1/ingest_service.pb.h"

namespace alertjoin {
namespace {

// Who there can be: nobody that is known, and one for each set of roles.
struct Who {
  const char* name;
  bool known;
  RoleSet roles;
};
const std::vector<Who> kEverybody = {
    {"unknown", false, {}},
    {"without roles", true, {}},
    {"push", true, {Role::kPush}},
    {"read", true, {Role::kRead}},
    {"admin", true, {Role::kAdmin}},
    {"push and read", true, {Role::kPush, Role::kRead}},
    {"push and admin", true, {Role::kPush, Role::kAdmin}},
    {"read and admin", true, {Role::kRead, Role::kAdmin}},
    {"all", true, RoleSet::All()},
};

bool May(const Who& who, const std::optional<AccessRule>& rule) {
  if (!rule.has_value()) return false;
  return rule->anyone || (who.known && who.roles.HasAnyOf(rule->roles));
}

// What is expected of a call: written again, apart from the table.
enum class Expected { kNobody, kAnyone, kPush, kRead, kAdmin, kAnyRole };

bool MayAsExpected(const Who& who, Expected expected) {
  const auto has = [&who](Role role) { return who.known && who.roles.HasAnyOf({role}); };
  switch (expected) {
    case Expected::kNobody:
      return false;
    case Expected::kAnyone:
      return true;
    case Expected::kPush:
      return has(Role::kPush);
    case Expected::kRead:
      return has(Role::kRead);
    case Expected::kAdmin:
      return has(Role::kAdmin);
    case Expected::kAnyRole:
      return has(Role::kPush) || has(Role::kRead) || has(Role::kAdmin);
  }
  return false;
}

void ExpectRow(const std::optional<AccessRule>& rule, Expected expected, const std::string& call) {
  for (const Who& who : kEverybody) {
    EXPECT_EQ(May(who, rule), MayAsExpected(who, expected)) << call << " by " << who.name;
  }
}

// Every method of every service of ours: one that is added without an entry in the table is
// nobody's, and this test says so.
TEST(AccessTable, EveryRpcHasItsRole) {
  const google::protobuf::FileDescriptor* const files[] = {
      v1::PushEventsRequest::descriptor()->file(),
      v1::ListJoinedRowsRequest::descriptor()->file(),
  };
  int methods = 0;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      const auto& service = *file->service(s);
      for (int m = 0; m < service.method_count(); ++m) {
        const std::string call =
            "/" + std::string(service.full_name()) + "/" + std::string(service.method(m)->name());
        ASSERT_TRUE(AccessOfRpc(call).has_value())
            << call << " has no entry in common/access/access_table.cc";
        ExpectRow(AccessOfRpc(call),
                  service.name() == "IngestService" ? Expected::kPush : Expected::kRead, call);
        // The same by HTTP, whatever the way to write POST.
        ExpectRow(AccessOfHttp("POST", call),
                  service.name() == "IngestService" ? Expected::kPush : Expected::kRead, call);
        ++methods;
      }
    }
  }
  EXPECT_GE(methods, 14);
}

// What those may call who see a part. A new method is not theirs until somebody has thought of it.
TEST(AccessTable, WhatIsNotFilteredIsNotForThoseWhoSeeAPart) {
  for (const char* method :
       {"SubscribeJoinedRows", "ListJoinedRows", "SubscribeAlerts", "ListAlerts", "SummarizeAlerts",
        "SubscribeSamples", "ListSamples", "ListSeries", "ListQueries", "LookUpAsOf",
        "GetAlertContext", "SummarizeSamples"}) {
    const std::string call = std::string("/alertjoin.v1.CorrelatorService/") + method;
    EXPECT_TRUE(AccessOfRpc(call)->filtered) << call;
  }
  EXPECT_FALSE(AccessOfRpc("/alertjoin.v1.CorrelatorService/ListSources")->filtered);
  for (const char* path : {"/", "/assets/page.js", "/api/v1/joined.csv", "/docs"}) {
    EXPECT_TRUE(AccessOfHttp("GET", path)->filtered) << path;
  }
  for (const char* path : {"/metrics", "/-/other", "/other", "/docs/other"}) {
    EXPECT_FALSE(AccessOfHttp("GET", path)->filtered) << path;
    EXPECT_FALSE(AccessOfHttp("HEAD", path)->filtered) << path;
  }
}

TEST(AccessTable, TheStandardServicesHaveTheirRole) {
  ExpectRow(AccessOfRpc("/grpc.health.v1.Health/Check"), Expected::kAnyone, "health");
  ExpectRow(AccessOfRpc("/grpc.health.v1.Health/Watch"), Expected::kAnyone, "health");
  ExpectRow(AccessOfRpc("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
            Expected::kRead, "reflection");
}

TEST(AccessTable, WhatIsNotInTheTableIsNobodys) {
  for (const char* call :
       {"", "/", "/alertjoin.v1.IngestService/", "/alertjoin.v1.IngestService/pushevents",
        "/alertjoin.v1.IngestService/PushEvents/", "alertjoin.v1.IngestService/PushEvents",
        "/alertjoin.v1.CorrelatorService/Drop", "/grpc.health.v1.Health/Other",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"}) {
    ExpectRow(AccessOfRpc(call), Expected::kNobody, call);
  }
}

TEST(AccessTable, HttpHasItsRoles) {
  struct Row {
    const char* method;
    const char* path;
    Expected expected;
  };
  const Row rows[] = {
      {"GET", "/-/healthy", Expected::kAnyone},
      {"HEAD", "/-/ready", Expected::kAnyone},
      {"GET", "/-/other", Expected::kRead},
      {"GET", "/-/healthy/", Expected::kRead},
      {"GET", "/metrics", Expected::kRead},
      {"GET", "/", Expected::kRead},
      {"GET", "/api/v2/status", Expected::kAnyRole},
      {"GET", "/webhook/grafana/api/v2/status", Expected::kAnyRole},
      {"GET", "/prometheus/p1/api/v2/status", Expected::kAnyRole},
      {"POST", "/", Expected::kPush},
      {"POST", "/webhook", Expected::kPush},
      {"PUT", "/webhook/", Expected::kPush},
      {"PUT", "/webhook/grafana", Expected::kPush},
      {"POST", "/webhook/grafana/api/v2/alerts", Expected::kPush},
      {"POST", "/prometheus/p1/api/v2/alerts", Expected::kPush},
      {"POST", "/api/v1/alerts", Expected::kPush},
      {"POST", "/api/v2/alerts", Expected::kPush},
      {"POST", "/-/reload", Expected::kAdmin},
      {"PUT", "/-/reload", Expected::kAdmin},
      {"POST", "/-/quit", Expected::kAdmin},
      {"POST", "/metrics", Expected::kNobody},
      {"POST", "/webhooks", Expected::kNobody},
      {"POST", "/api/v2/silences", Expected::kNobody},
      {"POST", "", Expected::kNobody},
      {"DELETE", "/", Expected::kNobody},
      {"OPTIONS", "/", Expected::kNobody},
      {"get", "/metrics", Expected::kNobody},
  };
  for (const Row& row : rows) {
    ExpectRow(AccessOfHttp(row.method, row.path), row.expected,
              std::string(row.method) + " " + row.path);
  }
}

}  // namespace
}  // namespace alertjoin
