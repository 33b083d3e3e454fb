// Flat tables over HTTP.

#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/integration/read/http_read_fixture.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using TableTest = HttpReadTest;

std::vector<std::string> Lines(const std::string& text, const std::string& end) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t found = text.find(end, at);
    EXPECT_NE(found, text.npos) << "the last line has no end";
    if (found == text.npos) break;
    lines.push_back(text.substr(at, found - at));
    at = found + end.size();
  }
  return lines;
}

TEST_F(TableTest, EveryFormatHasTheRowsOfTheListing) {
  StartHttp();
  CommitRows(3);
  const auto csv = Get("/api/v1/joined.csv");
  EXPECT_EQ(csv.status, 200);
  EXPECT_THAT(csv.headers.at("content-type"), StartsWith("text/csv"));
  const auto lines = Lines(csv.body, "\r\n");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[0], StartsWith("row_id,event_time,state,alert,job,instance,query,value,"));
  EXPECT_THAT(lines[1], HasSubstr(",2026-03-01T00:00:03.000Z,FIRING,alert3,,,q,3,"));

  const json rows = json::parse(Get("/api/v1/joined.json").body);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["alert"], "alert1");
  EXPECT_EQ(rows[2]["value"], 1);
  EXPECT_EQ(rows[2]["labels"]["alertname"], "alert1");
  EXPECT_TRUE(rows[2]["ends_at"].is_null());

  const auto ndjson = Lines(Get("/api/v1/joined.ndjson").body, "\n");
  ASSERT_EQ(ndjson.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(json::parse(ndjson[i]), rows[i]);
}

TEST_F(TableTest, ParametersChooseRowsColumnsAndTimes) {
  StartHttp();
  CommitRows(5);
  const auto alerts = [&](const std::string& query) {
    std::vector<std::string> names;
    for (const json& row : json::parse(Get("/api/v1/joined.json?" + query).body)) {
      names.push_back(row["alert"].get<std::string>());
    }
    return names;
  };
  EXPECT_THAT(alerts("filter=alertname%3Dalert2"), ElementsAre("alert2"));
  EXPECT_THAT(alerts("from=2026-03-01T00:00:04Z"), ElementsAre("alert5", "alert4"));
  EXPECT_THAT(alerts("from=1772323202&to=1772323204000"), ElementsAre("alert3", "alert2"));
  EXPECT_THAT(alerts("limit=2"), ElementsAre("alert5", "alert4"));
  EXPECT_THAT(alerts("state=resolved"), ElementsAre());
  EXPECT_THAT(alerts("match_state=matched&limit=1"), ElementsAre("alert5"));

  const json row = json::parse(
      Get("/api/v1/joined.json?limit=1&time_format=ms&label=alertname&label=none").body)[0];
  EXPECT_EQ(row["event_time"], 1772323205000);
  EXPECT_EQ(row["label_alertname"], "alert5");
  EXPECT_TRUE(row["label_none"].is_null());
}

TEST_F(TableTest, ManyPagesAreStreamedAsOneTable) {
  StartHttp();
  CommitRows(4500);
  const auto csv = Get("/api/v1/joined.csv");
  EXPECT_EQ(csv.headers.at("transfer-encoding"), "chunked");
  std::set<std::string> ids;
  const auto lines = Lines(csv.body, "\r\n");
  ASSERT_EQ(lines.size(), 4501u);
  for (size_t i = 1; i < lines.size(); ++i) ids.insert(lines[i].substr(0, lines[i].find(',')));
  EXPECT_EQ(ids.size(), 4500u);
  EXPECT_EQ(json::parse(Get("/api/v1/joined.json").body).size(), 4500u);
  // A limit that is no whole number of pages.
  EXPECT_EQ(Lines(Get("/api/v1/joined.csv?limit=2345").body, "\r\n").size(), 2346u);
  EXPECT_EQ(Lines(Get("/api/v1/joined.csv?limit=2000").body, "\r\n").size(), 2001u);
}

// Rows that come meanwhile may be in it or not; those that were there are, once.
TEST_F(TableTest, ConcurrentWritesLoseAndDoubleNothing) {
  StartHttp();
  CommitRows(3000);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int id = 3001; !done && id < 9000; ++id) CommitRows(1, id);
  });
  for (int round = 0; round < 5; ++round) {
    std::set<std::string> alerts;
    for (const std::string& line : Lines(Get("/api/v1/joined.ndjson").body, "\n")) {
      EXPECT_TRUE(alerts.insert(json::parse(line)["alert"].get<std::string>()).second);
    }
    for (int id = 1; id <= 3000; ++id) {
      EXPECT_TRUE(alerts.contains("alert" + std::to_string(id))) << id;
    }
  }
  done = true;
  writer.join();
}

TEST_F(TableTest, AnEmptyTableHasItsHead) {
  StartHttp();
  EXPECT_EQ(Lines(Get("/api/v1/joined.csv").body, "\r\n").size(), 1u);
  EXPECT_EQ(json::parse(Get("/api/v1/joined.json").body), json::array());
  EXPECT_EQ(Get("/api/v1/joined.ndjson").body, "");
  EXPECT_EQ(Get("/api/v1/samples.csv").body, "time,value,query,source,expression,labels\r\n");
}

TEST_F(TableTest, WhatIsWrongIsRefusedByName) {
  StartHttp();
  const struct {
    const char* path;
    const char* field;
  } cases[] = {
      {"joined.csv?limit=0", "limit"},
      {"joined.csv?limit=many", "limit"},
      {"joined.csv?time_format=iso", "time_format"},
      {"joined.csv?from=yesterday", "from"},
      {"joined.csv?from=now&to=now-1h", "from"},
      {"joined.csv?filter=%7B%7B", "filter"},
      {"joined.csv?colour=red", "colour"},
      {"joined.csv?page_size=3", "page_size"},
      {"joined.csv?label=a&label=b&limit=1&limit=2", "limit"},
      {"joined.csv?label=", "label"},
      {"samples.json?state=firing", "state"},
  };
  for (const auto& c : cases) {
    const auto response = Get("/api/v1/" + std::string(c.path));
    EXPECT_EQ(response.status, 400) << c.path;
    const json error = json::parse(response.body);
    EXPECT_EQ(error["code"], "invalid_argument") << c.path;
    EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], c.field) << c.path;
  }
  EXPECT_EQ(Get("/api/v1/joined.xml").status, 404);
}

TEST_F(TableTest, SlowReadersAreLimitedAndKeepNobodyWaiting) {
  HttpServerOptions http;
  http.threads = 2;
  StartHttp({}, std::move(http));
  CommitRows(20'000);
  std::vector<std::unique_ptr<RawHttpClient>> slow;
  for (size_t i = 0; i < CorrelatorHttp::kExportsMax; ++i) {
    slow.push_back(std::make_unique<RawHttpClient>(http_->port()));
    ASSERT_TRUE(slow.back()->Ask(GetRequest("/api/v1/joined.json")).has_value());
  }
  const auto refused = Get("/api/v1/joined.csv");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("TOO_MANY_EXPORTS"));
  EXPECT_EQ(Get("/api/v1/joined.csv?limit=10").status, 200);
  EXPECT_EQ(Call("ListJoinedRows", "{}").status, 200);
}

}  // namespace
}  // namespace alertjoin
