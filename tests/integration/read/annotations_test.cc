// Alerts as annotations and as a table. What the service would say of them is made to order here.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/net/grpc_server.h"
#include "common/net/http_server.h"
#include "correlator-service/http/correlator_http.h"
#include "tests/support/manual_clock.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using nlohmann::json;

// 2026-03-01T00:00:00Z.
constexpr int64_t kBase = 1772323200;

// Two episodes of an alert: one that has ended, one that lasts.
class TwoEpisodes final : public v1::CorrelatorService::Service {
 public:
  grpc::Status ListAlerts(grpc::ServerContext*, const v1::ListAlertsRequest* request,
                          v1::ListAlertsResponse* response) override {
    if (request->filter() == "{") return {grpc::StatusCode::INVALID_ARGUMENT, "filter: column 1"};
    // One a page.
    const bool second = request->page_token() == "2";
    FillTransition(second ? kBase : kBase + 600, response->add_alerts()->mutable_transition());
    v1::Alert* const alert = response->mutable_alerts(0);
    alert->set_alert_id(second ? "old" : "new");
    if (second) {
      alert->mutable_transition()->set_state(v1::ALERT_STATE_RESOLVED);
      alert->mutable_transition()->mutable_ends_at()->set_seconds(kBase + 60);
    } else {
      response->set_next_page_token("2");
    }
    return grpc::Status::OK;
  }

  grpc::Status ListJoinedRows(grpc::ServerContext*, const v1::ListJoinedRowsRequest*,
                              v1::ListJoinedRowsResponse* response) override {
    AddRow(kBase, v1::ALERT_STATE_FIRING, 97, response);
    AddRow(kBase, v1::ALERT_STATE_RESOLVED, 12.5, response);
    AddRow(kBase + 600, v1::ALERT_STATE_FIRING, 93, response);
    return grpc::Status::OK;
  }

 private:
  static void FillTransition(int64_t start, v1::Transition* transition) {
    transition->set_source("alertmanager");
    transition->set_fingerprint("abc");
    transition->set_alert_name("QueueDeep");
    transition->set_state(v1::ALERT_STATE_FIRING);
    transition->mutable_starts_at()->set_seconds(start);
    (*transition->mutable_labels())["severity"] = "page";
    (*transition->mutable_labels())["alertname"] = "QueueDeep";
    (*transition->mutable_annotations())["summary"] = "The <b>queue</b> is deep";
  }
  static void AddRow(int64_t start, v1::AlertState state, double value,
                     v1::ListJoinedRowsResponse* response) {
    v1::JoinedRow* const row = response->add_rows();
    FillTransition(start, row->mutable_transition());
    row->mutable_transition()->set_state(state);
    row->mutable_query()->set_name("queue_depth");
    row->mutable_match()->set_value(value);
  }
};

class AnnotationsTest : public testing::Test {
 protected:
  AnnotationsTest() {
    GrpcServerOptions options;
    options.services = {&service_};
    grpc_ = StartGrpcServer(options).value();
    HttpServerOptions http;
    http.streams_max = CorrelatorHttp::kStreamsMax;
    http_ = std::make_unique<HttpServer>(std::move(http));
    api_.AddTo(*http_);
    EXPECT_THAT(http_->Start(), IsOk());
    api_.Open(MakeInProcessChannel(*grpc_.server));
  }
  ~AnnotationsTest() override {
    http_->Stop();
    api_.Close();
    grpc_.server->Shutdown();
  }
  RawHttpResponse Get(const std::string& path) {
    return RawHttpClient(http_->port()).Ask(GetRequest(path)).value_or(RawHttpResponse());
  }

  TwoEpisodes service_;
  ManualClock clock_{Timestamp::FromMillis((kBase + 900) * 1000)};
  CorrelatorHttp api_{clock_};
  RunningGrpcServer grpc_;
  std::unique_ptr<HttpServer> http_;
};

TEST_F(AnnotationsTest, AFiringPeriodHasItsStartItsEndAndItsValues) {
  const auto response = Get("/api/v1/annotations?from=now-1h");
  ASSERT_EQ(response.status, 200) << response.body;
  const json annotations = json::parse(response.body);
  ASSERT_EQ(annotations.size(), 2u);
  EXPECT_EQ(annotations[1]["time"], kBase * 1000);
  EXPECT_EQ(annotations[1]["timeEnd"], (kBase + 60) * 1000);
  EXPECT_EQ(annotations[1]["title"], "QueueDeep");
  EXPECT_EQ(annotations[1]["text"],
            "The <b>queue</b> is deep\n"
            "queue_depth: 97 when it fired, 12.5 when it was resolved");
  EXPECT_EQ(annotations[1]["tags"], (json{"alertname:QueueDeep", "severity:page"}));
  EXPECT_EQ(annotations[1]["state"], "resolved");
  // One that lasts is drawn up to now.
  EXPECT_EQ(annotations[0]["time"], (kBase + 600) * 1000);
  EXPECT_EQ(annotations[0]["timeEnd"], (kBase + 900) * 1000);
  EXPECT_EQ(annotations[0]["state"], "firing");
  EXPECT_EQ(annotations[0]["text"], "The <b>queue</b> is deep\nqueue_depth: 93 when it fired");
}

TEST_F(AnnotationsTest, LimitAndErrorsAreThoseOfAListing) {
  EXPECT_EQ(json::parse(Get("/api/v1/annotations?limit=1").body).size(), 1u);
  for (const char* query : {"limit=0", "limit=x", "colour=red", "from=never", "filter=%7B"}) {
    const auto response = Get("/api/v1/annotations?" + std::string(query));
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(json::parse(response.body)["code"], "invalid_argument") << query;
  }
}

TEST_F(AnnotationsTest, TheSameAlertsAreATable) {
  const auto response = RawHttpClient(http_->port())
                            .Ask("GET /api/v1/alerts.json?limit=1&label=severity HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(response.has_value());
  const json rows = json::parse(response->body);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["alert_id"], "new");
  EXPECT_EQ(rows[0]["state"], "FIRING");
  EXPECT_EQ(rows[0]["label_severity"], "page");
  EXPECT_TRUE(rows[0]["ends_at"].is_null());
}

}  // namespace
}  // namespace alertjoin
