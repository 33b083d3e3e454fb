// Samples over HTTP: as a table and as a stream, of the service itself.

#include <gmock/gmock.h>

#include <atomic>
#include <limits>

#include "common/status/error_reason.h"
#include "tests/integration/read/http_read_fixture.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class SamplePathsTest : public HttpReadTest {
 protected:
  using Samples = std::vector<std::pair<int64_t, double>>;

  static SampleBatch BatchOf(const std::string& query, const std::string& queue,
                             const Samples& samples) {
    SampleBatch batch;
    batch.series = SeriesTable{std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(Query{"prom", query, query, TimeKind::kSample}),
                  LabelSet{{"queue", queue}}})};
    for (const auto& [ms, value] : samples) {
      batch.series_index.push_back(0);
      batch.times.push_back(kRowsNow + Millis(ms));
      batch.values.push_back(value);
    }
    return batch;
  }
  // Into the tables.
  void Hold(const std::string& query, const std::string& queue, const Samples& samples) {
    tables_.Change(
        [&](Engine& engine) { engine.Apply({BatchOf(query, queue, samples)}, kRowsNow); });
  }
  // Into the log, as taken now.
  void Append(const std::string& queue, const Samples& samples) {
    Round round;
    round.time = SystemClock().Now();
    round.events.emplace_back(BatchOf("depth", queue, samples));
    rounds_.Append(round).value();
  }
  void ExpectRefused(const std::string& path, const std::string& reason, const std::string& field) {
    const auto response = Get(path);
    EXPECT_EQ(response.status, 400) << path;
    const json error = json::parse(response.body);
    EXPECT_EQ(error["details"][0]["debug"]["reason"], reason) << path;
    EXPECT_EQ(error["details"][1]["debug"]["fieldViolations"][0]["field"], field) << path;
  }
};

TEST_F(SamplePathsTest, EveryFormatOfTheTableHasTheSameSamples) {
  StartHttp();
  Hold("depth", "mail", {{1000, 1.5}, {2000, std::numeric_limits<double>::infinity()}});
  Hold("depth", "orders", {{1000, 7}});
  EXPECT_EQ(
      Get("/api/v1/samples.csv?label=queue").body,
      "time,value,query,source,expression,labels,label_queue\r\n"
      "2026-03-01T00:00:01.000Z,1.5,depth,prom,depth,\"{\"\"queue\"\":\"\"mail\"\"}\",mail\r\n"
      "2026-03-01T00:00:02.000Z,Inf,depth,prom,depth,\"{\"\"queue\"\":\"\"mail\"\"}\",mail\r\n"
      "2026-03-01T00:00:01.000Z,7,depth,prom,depth,\"{\"\"queue\"\":\"\"orders\"\"}\",orders\r\n");
  const json rows = json::parse(Get("/api/v1/samples.json?time_format=ms").body);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["time"], kRowsNow.millis() + 1000);
  EXPECT_EQ(rows[2]["value"], 7);
  EXPECT_EQ(rows[2]["labels"]["queue"], "orders");
  const std::string ndjson = Get("/api/v1/samples.ndjson?time_format=ms").body;
  EXPECT_EQ(json::parse(ndjson.substr(0, ndjson.find('\n'))), rows[0]);
  EXPECT_EQ(std::count(ndjson.begin(), ndjson.end(), '\n'), 3);
}

TEST_F(SamplePathsTest, ParametersChooseSamples) {
  StartHttp();
  Hold("depth", "mail", {{1000, 1}, {2000, 2}});
  Hold("depth", "orders", {{1000, 3}, {2000, 4}});
  Hold("age", "mail", {{1000, 5}});
  const auto values = [this](const std::string& query) {
    std::vector<int> found;
    for (const json& row : json::parse(Get("/api/v1/samples.json?" + query).body)) {
      found.push_back(row["value"].get<int>());
    }
    return found;
  };
  EXPECT_THAT(values("query_name=age"), ElementsAre(5));
  EXPECT_THAT(values("filter=queue%3Dorders"), ElementsAre(3, 4));
  EXPECT_THAT(values("query_name=depth&from=2026-03-01T00:00:02Z"), ElementsAre(2, 4));
  EXPECT_THAT(values("query_name=depth&to=2026-03-01T00:00:02Z"), ElementsAre(1, 3));
  EXPECT_THAT(values("query_name=depth&limit=3"), ElementsAre(1, 2, 3));
  EXPECT_THAT(values("query_name=none"), ElementsAre());
}

TEST_F(SamplePathsTest, ManyPagesAreOneTable) {
  StartHttp();
  Samples many;
  for (int i = 0; i < 25'000; ++i) many.emplace_back(i, i);
  Hold("depth", "mail", many);
  const auto response = Get("/api/v1/samples.ndjson?time_format=ms");
  EXPECT_EQ(response.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 25'000);
}

// The reader has the first page by then, and no way to ask for the rest.
TEST_F(SamplePathsTest, ATableGoesOnWhenTheTablesWereBusyForALaterPage) {
  StartHttp();
  Samples many;
  for (int i = 0; i < 15'000; ++i) many.emplace_back(i, i);
  Hold("depth", "mail", many);
  EXPECT_EQ(Get("/api/v1/samples.csv?limit=10000").status, 200);
  const int turns_of_a_page = tables_.asked;
  // The first two turns behind the first page are refused.
  std::atomic<int> turns = 0;
  tables_.before_turn = [&] {
    const int turn = turns++;
    const bool busy = turn >= turns_of_a_page && turn < turns_of_a_page + 2;
    tables_.Change([&](Engine&) {
      tables_.refusal = busy ? MakeError("TABLES_BUSY", "the tables: no turn") : absl::OkStatus();
    });
  };
  const auto response = Get("/api/v1/samples.ndjson?time_format=ms");
  EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 15'000);
  EXPECT_GE(turns, 2 * turns_of_a_page + 2);
}

TEST_F(SamplePathsTest, WithoutSamplesTheTableHasItsHead) {
  StartHttp();
  EXPECT_EQ(Get("/api/v1/samples.csv").body, "time,value,query,source,expression,labels\r\n");
  EXPECT_EQ(json::parse(Get("/api/v1/samples.json").body), json::array());
  EXPECT_EQ(Get("/api/v1/samples.ndjson").body, "");
}

TEST_F(SamplePathsTest, WhatIsWrongIsRefusedByName) {
  StartHttp();
  for (const std::string path :
       {"/api/v1/samples.json", "/api/v1/samples.csv", "/api/v1/samples.ndjson"}) {
    ExpectRefused(path + "?filter=%7B", "INVALID_FILTER", "series.filter");
    ExpectRefused(path + "?from=never", "INVALID_PARAMETER", "from");
    ExpectRefused(path + "?from=now&to=now-1h", "INVALID_TIME_RANGE", "from");
    ExpectRefused(path + "?limit=-1", "INVALID_PARAMETER", "limit");
    ExpectRefused(path + "?state=firing", "INVALID_PARAMETER", "state");
    ExpectRefused(path + "?source=a&source=b", "INVALID_PARAMETER", "source");
    ExpectRefused(path + "?time_format=iso", "INVALID_PARAMETER", "time_format");
  }
  ExpectRefused("/api/v1/stream/samples?state=firing", "INVALID_PARAMETER", "state");
  ExpectRefused("/api/v1/stream/samples?snapshot_window=long", "INVALID_PARAMETER",
                "snapshot_window");
}

constexpr char kStream[] = "/api/v1/stream/samples?progress_interval=100ms";

TEST_F(SamplePathsTest, TheStreamIsWhatWasTakenThenWhatIsTakenAndGoesOnBehindAnId) {
  StartHttp();
  Append("mail", {{1000, 1}});
  std::string id;
  {
    EventReader events = Events(kStream);
    EXPECT_EQ(events.head().headers.at("content-type"), "text/event-stream");
    EXPECT_EQ(events.Next()->event, "started");
    const SentEvent taken = events.NextNamed("samples");
    EXPECT_EQ(taken.data["series"][0]["series"]["labels"]["queue"], "mail");
    EXPECT_EQ(taken.data["series"][0]["samples"][0]["value"], 1);
    id = events.NextNamed("snapshot_complete").id;
    Append("orders", {{2000, 2}});
    EXPECT_EQ(events.NextNamed("samples").data["series"][0]["samples"][0]["value"], 2);
  }
  EventReader resumed = Events(kStream, "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(resumed.Next()->event, "started");
  EXPECT_EQ(resumed.Next()->data["series"][0]["samples"][0]["value"], 2);
  EventReader filtered = Events(std::string(kStream) + "&filter=queue%3Dorders&query_name=depth");
  EXPECT_EQ(filtered.NextNamed("samples").data["series"][0]["series"]["labels"]["queue"], "orders");
}

TEST_F(SamplePathsTest, TheStreamOfNothingIsCompleteAtOnceAndShowsLife) {
  StartHttp();
  EventReader events = Events(kStream);
  EXPECT_EQ(events.Next()->event, "started");
  EXPECT_EQ(events.Next()->event, "snapshot_complete");
  EXPECT_EQ(events.Next()->event, "progress");
}

TEST_F(SamplePathsTest, AnErrorOfTheStreamIsItsOnlyEvent) {
  StartHttp();
  EventReader events = Events("/api/v1/stream/samples?filter=queue");
  const auto error = events.Next();
  EXPECT_EQ(error->event, "error");
  EXPECT_EQ(error->data["details"][0]["debug"]["reason"], "INVALID_FILTER");
  EXPECT_THAT(error->data["message"].get<std::string>(), HasSubstr("column"));
  EXPECT_FALSE(events.Next().has_value());
}

}  // namespace
}  // namespace alertjoin
