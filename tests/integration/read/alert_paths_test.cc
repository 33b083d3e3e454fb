// Alerts over HTTP: as a table, as annotations and as a stream, of the service itself.

#include <gmock/gmock.h>

#include "tests/integration/read/http_read_fixture.h"
#include "tests/support/alerts.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class AlertPathsTest : public HttpReadTest {
 protected:
  // Alerts 1 to `count`, from a minute to the next; the odd ones lasted half of it. With the row of
  // each one's start.
  void CommitAlerts(int count, int first = 1) {
    RowCommit commit;
    for (int id = first; id < first + count; ++id) {
      AlertSpec alert;
      alert.id = id;
      alert.alert = "alert" + std::to_string(id);
      alert.starts_at = kRowsNow + std::chrono::minutes(id);
      if (id % 2 == 1) alert.ends_at = alert.starts_at + std::chrono::seconds(30);
      alert.labels = LabelSet{{"severity", id < 3 ? "page" : "ticket"}};
      alert.annotation = "note, \"quoted\"";
      commit.alerts.push_back(MakeAlert(alert));
    }
    store_->Commit(std::move(commit)).value();
  }
  std::vector<std::string> NamesOf(const std::string& path, const char* field) {
    const auto response = Get(path);
    EXPECT_EQ(response.status, 200) << path << response.body;
    std::vector<std::string> names;
    for (const json& row : json::parse(response.body))
      names.push_back(row[field].get<std::string>());
    return names;
  }
  void ExpectRefused(const std::string& path, const std::string& reason, const std::string& field) {
    const auto response = Get(path);
    EXPECT_EQ(response.status, 400) << path;
    const json error = json::parse(response.body);
    EXPECT_EQ(error["code"], "invalid_argument") << path;
    EXPECT_EQ(error["details"][0]["debug"]["reason"], reason) << path;
    EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], field) << path;
  }
};

TEST_F(AlertPathsTest, EveryFormatOfTheTableHasTheSameAlerts) {
  StartHttp();
  CommitAlerts(2);
  const json rows = json::parse(Get("/api/v1/alerts.json").body);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["alert"], "alert2");
  EXPECT_EQ(rows[0]["state"], "FIRING");
  EXPECT_TRUE(rows[0]["ends_at"].is_null());
  EXPECT_EQ(rows[1]["alert_id"], ToHex(IdOf(1)));
  EXPECT_EQ(rows[1]["starts_at"], "2026-03-01T00:01:00.000Z");
  EXPECT_EQ(rows[1]["duration"], 30);
  EXPECT_EQ(rows[1]["state"], "RESOLVED");
  EXPECT_EQ(rows[1]["labels"]["severity"], "page");

  const auto ndjson = Get("/api/v1/alerts.ndjson");
  const size_t end = ndjson.body.find('\n');
  EXPECT_EQ(json::parse(ndjson.body.substr(0, end)), rows[0]);
  EXPECT_EQ(json::parse(ndjson.body.substr(end + 1)), rows[1]);

  const auto csv = Get("/api/v1/alerts.csv?label=severity&time_format=ms");
  EXPECT_THAT(csv.headers.at("content-type"), StartsWith("text/csv"));
  EXPECT_THAT(csv.body, StartsWith("alert_id,starts_at,ends_at,duration,state,alert,"));
  EXPECT_THAT(csv.body, HasSubstr("," + std::to_string(kRowsNow.millis() + 60'000) + "," +
                                  std::to_string(kRowsNow.millis() + 90'000) + ",30,RESOLVED,"));
  EXPECT_THAT(csv.body, testing::EndsWith(",page\r\n"));
}

TEST_F(AlertPathsTest, ParametersChooseAlerts) {
  StartHttp();
  CommitAlerts(5);
  const auto names = [this](const std::string& query) {
    return NamesOf("/api/v1/alerts.json?" + query, "alert");
  };
  EXPECT_THAT(names("state=firing"), ElementsAre("alert4", "alert2"));
  EXPECT_THAT(names("filter=severity%3Dpage"), ElementsAre("alert2", "alert1"));
  // Those that fired then: 2 and 4 last.
  EXPECT_THAT(names("from=2026-03-01T00:03:30Z&to=2026-03-01T00:05:00Z"),
              ElementsAre("alert4", "alert2"));
  EXPECT_THAT(names("limit=1"), ElementsAre("alert5"));
  EXPECT_THAT(names("source=nobody"), ElementsAre());
}

TEST_F(AlertPathsTest, ManyPagesAreOneTable) {
  StartHttp();
  CommitAlerts(2500);
  EXPECT_EQ(NamesOf("/api/v1/alerts.json", "alert").size(), 2500u);
  EXPECT_EQ(Get("/api/v1/alerts.csv").headers.at("transfer-encoding"), "chunked");
}

TEST_F(AlertPathsTest, WithoutAlertsTheTableHasItsHeadAndThereAreNoAnnotations) {
  StartHttp();
  EXPECT_THAT(Get("/api/v1/alerts.csv").body, StartsWith("alert_id,"));
  EXPECT_THAT(Get("/api/v1/alerts.csv").body, testing::EndsWith(",labels,annotations\r\n"));
  EXPECT_EQ(json::parse(Get("/api/v1/alerts.json").body), json::array());
  EXPECT_EQ(Get("/api/v1/alerts.ndjson").body, "");
  EXPECT_EQ(json::parse(Get("/api/v1/annotations").body), json::array());
}

// As a Grafana data source asks: with the panel's range in milliseconds.
TEST_F(AlertPathsTest, AnnotationsAreTheFiringPeriodsOfARangeWithTheirValues) {
  StartHttp();
  CommitAlerts(3);
  RowSpec row;
  row.alert = "alert3";
  row.event_time = kRowsNow + std::chrono::minutes(3);
  row.query_name = "queue_depth";
  row.value = 97;
  store_->Commit({.changes = {MakeRow(row)}}).value();
  const int64_t from = kRowsNow.millis() + 150'000;
  const int64_t to = kRowsNow.millis() + 240'000;
  const auto response =
      Get("/api/v1/annotations?filter=alertname%3D~%22alert.%2A%22&limit=100&from=" +
          std::to_string(from) + "&to=" + std::to_string(to));
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  const json annotations = json::parse(response.body);
  ASSERT_EQ(annotations.size(), 2u);
  EXPECT_EQ(annotations[0]["id"], ToHex(IdOf(3)));
  EXPECT_EQ(annotations[0]["time"], kRowsNow.millis() + 180'000);
  EXPECT_EQ(annotations[0]["timeEnd"], kRowsNow.millis() + 210'000);
  EXPECT_EQ(annotations[0]["title"], "alert3");
  EXPECT_EQ(annotations[0]["state"], "resolved");
  EXPECT_EQ(annotations[0]["tags"], (json{"alertname:alert3", "severity:ticket"}));
  // One that lasts goes to the end of the range.
  EXPECT_EQ(annotations[1]["title"], "alert2");
  EXPECT_EQ(annotations[1]["timeEnd"], to);
  EXPECT_EQ(annotations[1]["state"], "firing");
}

TEST_F(AlertPathsTest, WhatIsWrongIsRefusedByName) {
  StartHttp();
  for (const std::string path : {"/api/v1/alerts.json", "/api/v1/alerts.csv",
                                 "/api/v1/alerts.ndjson", "/api/v1/annotations"}) {
    ExpectRefused(path + "?filter=%7B", "INVALID_FILTER", "filter");
    ExpectRefused(path + "?state=burning", "INVALID_PARAMETER", "state");
    ExpectRefused(path + "?from=never", "INVALID_PARAMETER", "from");
    ExpectRefused(path + "?from=now&to=now-1h", "INVALID_TIME_RANGE", "from");
    ExpectRefused(path + "?limit=0", "INVALID_PARAMETER", "limit");
    ExpectRefused(path + "?colour=red", "INVALID_PARAMETER", "colour");
    ExpectRefused(path + "?source=a&source=b", "INVALID_PARAMETER", "source");
  }
  ExpectRefused("/api/v1/alerts.csv?time_format=iso", "INVALID_PARAMETER", "time_format");
  ExpectRefused("/api/v1/alerts.csv?label=", "INVALID_PARAMETER", "label");
  ExpectRefused("/api/v1/stream/alerts?query_name=q", "INVALID_PARAMETER", "query_name");
}

constexpr char kStream[] = "/api/v1/stream/alerts?snapshot_window=3650d&progress_interval=100ms";

TEST_F(AlertPathsTest, TheStreamIsTheSnapshotThenChangesAndGoesOnBehindAnId) {
  StartHttp();
  CommitAlerts(2);
  std::string id;
  {
    EventReader events = Events(kStream);
    EXPECT_EQ(events.head().headers.at("content-type"), "text/event-stream");
    EXPECT_EQ(events.Next()->event, "started");
    EXPECT_EQ(events.NextNamed("alerts").data["alerts"].size(), 2u);
    id = events.NextNamed("snapshot_complete").id;
    CommitAlerts(1, 3);
    EXPECT_EQ(events.NextNamed("alerts").data["alerts"][0]["transition"]["alertName"], "alert3");
  }
  EventReader resumed = Events(kStream, "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(resumed.Next()->event, "started");
  EXPECT_EQ(resumed.Next()->data["alerts"][0]["transition"]["alertName"], "alert3");
  EventReader filtered = Events(std::string(kStream) + "&state=firing&filter=severity%3Dpage");
  const SentEvent found = filtered.NextNamed("alerts");
  ASSERT_EQ(found.data["alerts"].size(), 1u);
  EXPECT_EQ(found.data["alerts"][0]["transition"]["alertName"], "alert2");
}

TEST_F(AlertPathsTest, TheStreamOfNothingIsCompleteAtOnceAndShowsLife) {
  StartHttp();
  EventReader events = Events(kStream);
  EXPECT_EQ(events.Next()->event, "started");
  EXPECT_EQ(events.Next()->event, "snapshot_complete");
  EXPECT_EQ(events.Next()->event, "progress");
}

TEST_F(AlertPathsTest, AnErrorOfTheStreamIsItsOnlyEvent) {
  StartHttp();
  EventReader events = Events("/api/v1/stream/alerts?filter=severity%3D%3Dpage");
  const auto error = events.Next();
  EXPECT_EQ(error->event, "error");
  EXPECT_EQ(error->data["details"][0]["debug"]["reason"], "INVALID_FILTER");
  EXPECT_THAT(error->data["message"].get<std::string>(), HasSubstr("column 9"));
  EXPECT_FALSE(events.Next().has_value());
}

}  // namespace
}  // namespace alertjoin
