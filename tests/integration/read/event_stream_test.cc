// Subscriptions over HTTP as server-sent events.

#include <gmock/gmock.h>

#include <map>
#include <memory>
#include <string>

#include "tests/integration/read/http_read_fixture.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::HasSubstr;

using EventStreamTest = HttpReadTest;

constexpr char kAll[] = "/api/v1/stream?snapshot_window=3650d&progress_interval=100ms";

constexpr char kAsBrowsersDo[] = "Accept: text/event-stream\r\n";

// Any status but 200 would end a browser's EventSource for good.
void ExpectABrowserComesAgain(const RawHttpResponse& refused, const std::string& reason) {
  EXPECT_EQ(refused.status, 200);
  EXPECT_EQ(refused.headers.at("content-type"), "text/event-stream");
  EXPECT_THAT(refused.body, testing::StartsWith("retry: 1000\n\nevent: error\ndata: {"));
  EXPECT_THAT(refused.body, HasSubstr(reason));
  EXPECT_THAT(refused.body, testing::EndsWith("}\n\n"));
}

// What a reader holds: rows by id as the newest event gave them.
class FoldedEvents {
 public:
  void Apply(const SentEvent& sent) {
    if (sent.event != "rows") return;
    for (const json& row : sent.data["rows"]) {
      const std::string id = row["rowId"].get<std::string>();
      if (row["operation"] == "OPERATION_DELETE") {
        rows_.erase(id);
      } else {
        rows_[id] = row;
      }
    }
  }
  const std::map<std::string, json>& rows() const { return rows_; }

 private:
  std::map<std::string, json> rows_;
};

TEST_F(EventStreamTest, TheSnapshotComesThenChanges) {
  StartHttp();
  CommitRows(2);
  EventReader events = Events(kAll);
  EXPECT_EQ(events.head().status, 200);
  EXPECT_EQ(events.head().headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(events.head().headers.at("cache-control"), "no-store");
  EXPECT_EQ(events.Next()->event, "started");
  const auto snapshot = events.Next();
  EXPECT_EQ(snapshot->event, "rows");
  EXPECT_EQ(snapshot->data["rows"].size(), 2u);
  EXPECT_EQ(events.Next()->event, "snapshot_complete");
  CommitRows(1, 3);
  const SentEvent change = events.NextNamed("rows");
  EXPECT_EQ(change.data["rows"][0]["transition"]["alertName"], "alert3");
  EXPECT_NE(change.id, "");
}

TEST_F(EventStreamTest, AnEmptyTableIsLiveAtOnce) {
  StartHttp();
  EventReader events = Events("/api/v1/stream?progress_interval=100ms");
  EXPECT_EQ(events.Next()->event, "started");
  EXPECT_EQ(events.Next()->event, "snapshot_complete");
  const auto progress = events.Next();
  EXPECT_EQ(progress->event, "progress");
  EXPECT_NE(progress->id, "");
}

TEST_F(EventStreamTest, ParametersAreTheFieldsOfTheRequest) {
  StartHttp();
  CommitRows(3);
  EventReader filtered = Events(std::string(kAll) + "&filter=alertname%3Dalert2&state=firing");
  EXPECT_EQ(filtered.NextNamed("rows").data["rows"].size(), 1u);
  EventReader live = Events("/api/v1/stream?start=live");
  EXPECT_EQ(live.Next()->event, "started");
  CommitRows(1, 4);
  EXPECT_EQ(live.Next()->data["rows"][0]["transition"]["alertName"], "alert4");
}

// What a browser does by itself when the connection ends.
TEST_F(EventStreamTest, LastEventIdGoesOnBehindThatEvent) {
  StartHttp();
  CommitRows(2);
  std::string id;
  {
    EventReader events = Events(kAll);
    id = events.NextNamed("snapshot_complete").id;
  }
  CommitRows(2, 3);
  EventReader resumed = Events(kAll, "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(resumed.Next()->event, "started");
  const auto rows = resumed.Next();
  ASSERT_EQ(rows->event, "rows");
  ASSERT_EQ(rows->data["rows"].size(), 2u);
  // The header is newer than the address.
  EventReader both =
      Events(std::string(kAll) + "&resume_token=nonsense", "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(both.Next()->event, "started");
}

// At every event the reader goes away and comes back with the id it saw last.
TEST_F(EventStreamTest, ResumedAtEveryEventItFoldsToTheTable) {
  StartHttp();
  RandomRowWriter writer(*store_, 7);
  FoldedEvents folded;
  std::string id;
  for (int round = 0; round < 60; ++round) {
    writer.Commit();
    EventReader events = Events(kAll, id.empty() ? "" : "Last-Event-ID: " + id + "\r\n");
    for (int i = 0; i < 2; ++i) {
      const auto sent = events.Next();
      ASSERT_TRUE(sent.has_value());
      ASSERT_NE(sent->event, "error") << sent->data;
      folded.Apply(*sent);
      id = sent->id;
    }
  }
  // Up to the end.
  EventReader events = Events(kAll, "Last-Event-ID: " + id + "\r\n");
  for (;;) {
    const auto sent = events.Next();
    ASSERT_TRUE(sent.has_value());
    folded.Apply(*sent);
    if (sent->event == "progress" && sent->data.value("sequence", std::string("0")) ==
                                         std::to_string(store_->newest().value())) {
      break;
    }
  }
  const json listed = json::parse(Call("ListJoinedRows", R"({"pageSize":1000})").body);
  ASSERT_EQ(listed["rows"].size(), folded.rows().size());
  ASSERT_GT(folded.rows().size(), 3u);
  for (json row : listed["rows"]) {
    // Which change it was that a reader got last differs; what the row is does not.
    json held = folded.rows().at(row["rowId"].get<std::string>());
    for (const char* field : {"operation"}) {
      row.erase(field);
      held.erase(field);
    }
    EXPECT_EQ(held, row);
  }
}

TEST_F(EventStreamTest, ATokenThatIsNoGoodIsAnErrorThatABrowserRecoversFrom) {
  Options options;
  options.store.change_log_limits.changes_max = 2;
  StartHttp(options);
  CommitRows(1);
  const std::string id = Events(kAll).NextNamed("snapshot_complete").id;
  for (int i = 2; i < 10; ++i) CommitRows(1, i);
  RawHttpClient client(http_->port());
  const auto head = client.Ask(GetRequest(kAll, "Last-Event-ID: " + id + "\r\n"));
  ASSERT_EQ(head->status, 200);
  std::string text;
  for (auto chunk = client.ReceiveChunk(); chunk && !chunk->empty();
       chunk = client.ReceiveChunk()) {
    text += *chunk;
  }
  // The empty id has a browser forget the token.
  EXPECT_THAT(text, testing::StartsWith("retry: 1000\n\nid:\nevent: error\ndata: {"));
  EXPECT_THAT(text, HasSubstr("\"code\":\"out_of_range\""));
  EXPECT_THAT(text, HasSubstr("RESUME_TOKEN_TOO_OLD"));
  EXPECT_THAT(text, HasSubstr("subscribe"));
}

TEST_F(EventStreamTest, AFilterThatDoesNotParseIsAnError) {
  StartHttp();
  EventReader events = Events("/api/v1/stream?filter=%7B%7B");
  EXPECT_EQ(events.head().status, 200);
  const auto error = events.Next();
  EXPECT_EQ(error->event, "error");
  EXPECT_EQ(error->data["code"], "invalid_argument");
  EXPECT_EQ(error->data["details"][0]["debug"]["reason"], "INVALID_FILTER");
  EXPECT_FALSE(events.Next().has_value());
}

TEST_F(EventStreamTest, UnknownAndDoubledParametersAreRefused) {
  StartHttp();
  for (const char* query :
       {"colour=red", "state=burning", "start=live&start=snapshot", "limit=3"}) {
    const auto response = Get("/api/v1/stream?" + std::string(query));
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(json::parse(response.body)["details"][0]["debug"]["reason"], "INVALID_PARAMETER");
  }
}

TEST_F(EventStreamTest, StopEndsItWithAnErrorThatSaysSo) {
  StartHttp();
  std::map<std::string, std::unique_ptr<EventReader>> streams;
  std::map<std::string, std::string> last_ids;
  for (const char* path : {"/api/v1/stream", "/api/v1/stream/alerts", "/api/v1/stream/samples"}) {
    streams[path] = std::make_unique<EventReader>(http_->port(), path);
    last_ids[path] = streams[path]->NextNamed("snapshot_complete").id;
  }
  hub_->Stop();
  for (auto& [path, events] : streams) {
    const SentEvent error = events->NextNamed("error");
    EXPECT_EQ(error.data["code"], "unavailable") << path;
    const json info = error.data["details"][0]["debug"];
    EXPECT_EQ(info["reason"], "STOPPING") << path;
    // Where to go on: in the words of the error, and so that a browser does it by itself.
    EXPECT_EQ(info["metadata"]["resume_token"], last_ids[path]) << path;
    EXPECT_EQ(error.id, last_ids[path]) << path;
    EXPECT_FALSE(events->Next().has_value()) << path;
  }
}

TEST_F(EventStreamTest, WhileTheCorrelatorStartsABrowserIsToldToComeAgain) {
  StartHttp();
  api_->Close();
  for (const char* path : {"/api/v1/stream", "/api/v1/stream/alerts", "/api/v1/stream/samples"}) {
    EXPECT_EQ(Get(path).status, 503);
    ExpectABrowserComesAgain(Get(path, kAsBrowsersDo), "NOT_SERVING");
  }
}

TEST_F(EventStreamTest, SubscribersLeaveWhenTheirReaderGoes) {
  StartHttp();
  {
    EventReader events = Events("/api/v1/stream");
    events.NextNamed("snapshot_complete");
    EXPECT_THAT(Metrics(), HasSubstr("alertjoin_subscribers 1\n"));
  }
  while (Metrics().find("alertjoin_subscribers 0\n") == std::string::npos) {
  }
}

TEST_F(EventStreamTest, ThereIsALimitAndRequestsAreServedBeyondIt) {
  HttpServerOptions http;
  http.threads = 2;
  StartHttp({}, std::move(http));
  std::vector<std::unique_ptr<EventReader>> readers;
  for (size_t i = 0; i < CorrelatorHttp::kEventStreamsMax; ++i) {
    readers.push_back(std::make_unique<EventReader>(http_->port(), "/api/v1/stream"));
    ASSERT_EQ(readers.back()->head().status, 200);
    ASSERT_EQ(readers.back()->Next()->event, "started");
  }
  const auto refused = Get("/api/v1/stream");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("TOO_MANY_STREAMS"));
  ExpectABrowserComesAgain(Get("/api/v1/stream", kAsBrowsersDo), "TOO_MANY_STREAMS");
  EXPECT_EQ(Call("ListJoinedRows", "{}").status, 200);
  // A table finds its own place.
  CommitRows(1500);
  EXPECT_EQ(Get("/api/v1/joined.csv").status, 200);
}

}  // namespace
}  // namespace alertjoin
