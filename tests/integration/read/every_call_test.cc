// What holds for every call of the service, method by method: a method or a field that is added is
// missed here until it has its cases.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/read/named_call.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/alerts.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

// A request of the method that finds what there is.
std::string UsualRequest(const std::string& method) {
  if (method == "LookUpAsOf") return R"(series { query_name: "q" } time { nanos: 25000000 })";
  if (method == "SummarizeSamples") {
    return R"(series { query_name: "q" } from { seconds: 0 } to { seconds: 1 })";
  }
  if (method == "SummarizeAlerts") return "from { seconds: 1772323200 } to { seconds: 1772326800 }";
  if (method == "GetAlertContext") return fmt::format("row_id: '{}'", ToHex(IdOf(1)));
  return "";
}

class EveryCallTest : public ReadTest {
 protected:
  void SetUp() override {
    Start({});
    generic_ =
        std::make_unique<grpc::GenericStub>(MakeChannel(fmt::format("127.0.0.1:{}", server_.port)));
  }
  // A row, an alert of a minute, a source, and a query with two series of two samples.
  void Fill() {
    RowSpec row;
    row.value = 5;
    AlertSpec alert;
    alert.ends_at = kRowsNow + Millis(60'000);
    SourceStatus source;
    source.source = "prom";
    source.producer_id = "p";
    store_->Commit({.changes = {MakeRow(row)}, .alerts = {MakeAlert(alert)}, .sources = {source}})
        .value();
    ApplySamples("q", "1", {{10, 1}, {20, 3}});
    ApplySamples("q", "2", {{10, 2}, {20, 4}});
  }
  void ApplySamples(const std::string& query, const std::string& label,
                    const std::vector<std::pair<int64_t, double>>& samples) {
    SampleBatch batch;
    batch.series = SeriesTable{std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(Query{"prom", query, query, TimeKind::kSample}),
                  LabelSet{{"i", label}}})};
    for (const auto& [ms, value] : samples) {
      batch.series_index.push_back(0);
      batch.times.push_back(Timestamp::FromMillis(ms));
      batch.values.push_back(value);
    }
    tables_.Change([&](Engine& engine) { engine.Apply({std::move(batch)}, kRowsNow); });
  }
  json Ask(const std::string& method, const std::string& request) {
    NamedCall call(*generic_, method, request);
    EXPECT_THAT(call.status(), IsOk()) << method << " " << request;
    return call.status().ok() ? call.Answer() : json();
  }

  std::unique_ptr<grpc::GenericStub> generic_;
};

TEST_F(EveryCallTest, AnswersWithWhatThereIs) {
  Fill();
  const struct {
    const char* method;
    const char* place;
    json value;
  } cases[] = {
      {"ListJoinedRows", "/rows/0/match/value", 5.0},
      {"ListJoinedRows", "/rows/0/transition/eventTime", "2026-03-01T00:00:00Z"},
      {"ListAlerts", "/alerts/0/transition/duration", "60s"},
      {"SummarizeAlerts", "/summaries/0/firingTime", "60s"},
      {"ListSamples", "/series/1/samples/1/value", 4.0},
      {"ListSamples", "/series/1/samples/1/time", "1970-01-01T00:00:00.020Z"},
      {"ListSeries", "/series/1/series/labels/i", "2"},
      {"ListSeries", "/series/1/samples", "2"},
      {"ListQueries", "/queries/0/series", "2"},
      {"ListSources", "/sources/0/source", "prom"},
      {"LookUpAsOf", "/results/0/match/value", 3.0},
      {"LookUpAsOf", "/results/0/match/sampleTime", "1970-01-01T00:00:00.020Z"},
      {"GetAlertContext", "/row/match/value", 5.0},
      {"SummarizeSamples", "/summaries/1/statistics/0/mean", 3.0},
      {"SummarizeSamples", "/summaries/1/statistics/0/count", "2"},
  };
  std::set<std::string> asked;
  for (const auto& [method, place, value] : cases) {
    asked.insert(method);
    const json answer = Ask(method, UsualRequest(method));
    ASSERT_TRUE(answer.contains(json::json_pointer(place))) << method << answer;
    EXPECT_EQ(answer[json::json_pointer(place)], value) << method << answer;
  }
  EXPECT_THAT(asked, UnorderedElementsAreArray(NamedCall::Unary()));
}

TEST_F(EveryCallTest, OfAnEmptyStoreAnswersWithNothing) {
  for (const std::string& method : NamedCall::Unary()) {
    if (method == "GetAlertContext") continue;  // Of a row that is not there.
    const json answer = Ask(method, UsualRequest(method));
    for (const auto& [field, value] : answer.items()) {
      EXPECT_TRUE(field == "from" || field == "to" || field == "time") << method << answer;
    }
  }
  NamedCall call(*generic_, "GetAlertContext", UsualRequest("GetAlertContext"));
  EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(DetailOf(call.status())->reason, "ROW_NOT_FOUND");
}

// A subscription to nothing tells where it starts and that this is all, and then shows life.
template <typename Client>
void ExpectEmptyButAlive(v1::CorrelatorService::Stub& stub, auto request) {
  request.mutable_progress_interval()->set_nanos(100'000'000);
  Client client(stub, request);
  EXPECT_TRUE(client.Read().value().has_started());
  EXPECT_TRUE(client.Read().value().has_snapshot_complete());
  EXPECT_TRUE(client.Read().value().has_progress());
}

TEST_F(EveryCallTest, OfAnEmptyStoreTheSubscriptionsAreCompleteAtOnce) {
  EXPECT_EQ(NamedCall::Streaming().size(), 3u);
  ExpectEmptyButAlive<SubscribedClient>(stub(), v1::SubscribeJoinedRowsRequest());
  ExpectEmptyButAlive<AlertsClient>(stub(), v1::SubscribeAlertsRequest());
  ExpectEmptyButAlive<SamplesClient>(stub(), v1::SubscribeSamplesRequest());
}

// One call for each way in which a field can be wrong.
struct Refusal {
  const char* method;
  const char* request;
  const char* reason;
  const char* field;
};
constexpr Refusal kRefusals[] = {
    {"SubscribeJoinedRows", "filter: 'a=~\"(\"'", "INVALID_FILTER", "filter"},
    {"SubscribeJoinedRows", "state: 77", "INVALID_FILTER", "state"},
    {"SubscribeJoinedRows", "start: 77", "INVALID_START", "start"},
    {"SubscribeJoinedRows", "snapshot_window { seconds: -1 }", "INVALID_SNAPSHOT_WINDOW",
     "snapshot_window"},
    {"SubscribeJoinedRows", "snapshot_window { seconds: 315446400 }", "INVALID_SNAPSHOT_WINDOW",
     "snapshot_window"},
    {"SubscribeJoinedRows", "resume_token: 'x'", "INVALID_RESUME_TOKEN", "resume_token"},
    {"SubscribeJoinedRows", "progress_interval { nanos: -2000000000 }", "INVALID_PROGRESS_INTERVAL",
     "progress_interval"},

    {"SubscribeAlerts", "filter: 'a=='", "INVALID_FILTER", "filter"},
    {"SubscribeAlerts", "state: 77", "INVALID_FILTER", "state"},
    {"SubscribeAlerts", "start: 77", "INVALID_START", "start"},
    {"SubscribeAlerts", "snapshot_window { seconds: -1 }", "INVALID_SNAPSHOT_WINDOW",
     "snapshot_window"},
    {"SubscribeAlerts", "resume_token: 'x'", "INVALID_RESUME_TOKEN", "resume_token"},
    {"SubscribeAlerts", "progress_interval { nanos: -2000000000 }", "INVALID_PROGRESS_INTERVAL",
     "progress_interval"},

    {"SubscribeSamples", "series { filter: 'a' }", "INVALID_FILTER", "series.filter"},
    {"SubscribeSamples", "start: 77", "INVALID_START", "start"},
    {"SubscribeSamples", "snapshot_window { seconds: -1 }", "INVALID_SNAPSHOT_WINDOW",
     "snapshot_window"},
    {"SubscribeSamples", "resume_token: 'x'", "INVALID_RESUME_TOKEN", "resume_token"},
    {"SubscribeSamples", "progress_interval { nanos: -2000000000 }", "INVALID_PROGRESS_INTERVAL",
     "progress_interval"},

    {"ListJoinedRows", "filter: '{'", "INVALID_FILTER", "filter"},
    {"ListJoinedRows", "state: 77", "INVALID_FILTER", "state"},
    {"ListJoinedRows", "match_state: 77", "INVALID_FILTER", "match_state"},
    {"ListJoinedRows", "from { seconds: 2 } to { seconds: 1 }", "INVALID_TIME_RANGE", "from"},
    {"ListJoinedRows", "from { nanos: -1 }", "INVALID_TIME_RANGE", "from"},
    {"ListJoinedRows", "to { seconds: 253402300800 }", "INVALID_TIME_RANGE", "to"},
    {"ListJoinedRows", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListJoinedRows", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"ListAlerts", "filter: 'a=\"'", "INVALID_FILTER", "filter"},
    {"ListAlerts", "state: 77", "INVALID_FILTER", "state"},
    {"ListAlerts", "from { seconds: 2 } to { seconds: 1 }", "INVALID_TIME_RANGE", "from"},
    {"ListAlerts", "to { nanos: -1 }", "INVALID_TIME_RANGE", "to"},
    {"ListAlerts", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListAlerts", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"SummarizeAlerts", "filter: 'a'", "INVALID_FILTER", "filter"},
    {"SummarizeAlerts", "from { seconds: 2 } to { seconds: 1 }", "INVALID_TIME_RANGE", "from"},
    {"SummarizeAlerts", "to { nanos: -1 }", "INVALID_TIME_RANGE", "to"},
    {"SummarizeAlerts", "by: ''", "INVALID_GROUPING", "by"},
    {"SummarizeAlerts", "by: 'a' by: 'a'", "INVALID_GROUPING", "by"},
    {"SummarizeAlerts", "bucket { nanos: 999000000 }", "INVALID_BUCKET", "bucket"},
    {"SummarizeAlerts", "bucket { seconds: 86 }", "INVALID_BUCKET", "bucket"},
    {"SummarizeAlerts", "flap_window { seconds: -1 }", "INVALID_FLAP_WINDOW", "flap_window"},
    {"SummarizeAlerts", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"SummarizeAlerts", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"ListSamples", "series { filter: 'i=~\"[\"' }", "INVALID_FILTER", "series.filter"},
    {"ListSamples", "from { seconds: 2 } to { seconds: 1 }", "INVALID_TIME_RANGE", "from"},
    {"ListSamples", "to { nanos: -1 }", "INVALID_TIME_RANGE", "to"},
    {"ListSamples", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListSamples", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"ListSeries", "series { filter: 'i' }", "INVALID_FILTER", "series.filter"},
    {"ListSeries", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListSeries", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"ListQueries", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListQueries", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"ListSources", "page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"ListSources", "page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"LookUpAsOf", "", "INVALID_SERIES_SELECTOR", "series"},
    {"LookUpAsOf", "series { filter: 'i' }", "INVALID_FILTER", "series.filter"},
    {"LookUpAsOf", "series { source: 's' } time { nanos: -1 }", "INVALID_TIME", "time"},
    {"LookUpAsOf", "series { source: 's' } tolerance { seconds: -1 }", "INVALID_TOLERANCE",
     "tolerance"},
    {"LookUpAsOf", "series { source: 's' } page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"LookUpAsOf", "series { source: 's' } page_token: 'x'", "INVALID_PAGE_TOKEN", "page_token"},

    {"GetAlertContext", "", "INVALID_ROW_ID", "row_id"},
    {"GetAlertContext", "row_id: '00000000000000000000000000000001' before { seconds: 86401 }",
     "INVALID_CONTEXT_WINDOW", "before"},
    {"GetAlertContext", "row_id: '00000000000000000000000000000001' after { seconds: -1 }",
     "INVALID_CONTEXT_WINDOW", "after"},
    {"GetAlertContext", "row_id: '00000000000000000000000000000001' also {}",
     "INVALID_SERIES_SELECTOR", "also[0]"},
    {"GetAlertContext",
     "row_id: '00000000000000000000000000000001' also { source: 's' } also { filter: 'i' }",
     "INVALID_FILTER", "also[1].filter"},
    {"GetAlertContext", "row_id: '00000000000000000000000000000001' samples_max: -1",
     "INVALID_PAGE_SIZE", "samples_max"},

    {"SummarizeSamples", "", "INVALID_SERIES_SELECTOR", "series"},
    {"SummarizeSamples", "series { filter: 'i' }", "INVALID_FILTER", "series.filter"},
    {"SummarizeSamples", "series { source: 's' } from { seconds: 2 } to { seconds: 1 }",
     "INVALID_TIME_RANGE", "from"},
    {"SummarizeSamples", "series { source: 's' } to { nanos: -1 }", "INVALID_TIME_RANGE", "to"},
    {"SummarizeSamples", "series { source: 's' } step { nanos: 999000000 }", "INVALID_STEP",
     "step"},
    {"SummarizeSamples",
     "series { source: 's' } step { seconds: 1 } from { seconds: 0 } to { seconds: 11001 }",
     "INVALID_STEP", "step"},
    {"SummarizeSamples", "series { source: 's' } ema_alpha: 0", "INVALID_EMA_ALPHA", "ema_alpha"},
    {"SummarizeSamples", "series { source: 's' } ema_alpha: nan", "INVALID_EMA_ALPHA", "ema_alpha"},
    {"SummarizeSamples", "series { source: 's' } page_size: -1", "INVALID_PAGE_SIZE", "page_size"},
    {"SummarizeSamples", "series { source: 's' } page_token: 'x'", "INVALID_PAGE_TOKEN",
     "page_token"},
};

TEST_F(EveryCallTest, NamesEachWrongFieldAndTheReason) {
  for (const Refusal& wrong : kRefusals) {
    NamedCall call(*generic_, wrong.method, wrong.request);
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kInvalidArgument))
        << wrong.method << " " << wrong.request;
    const auto detail = DetailOf(call.status());
    ASSERT_TRUE(detail.has_value()) << wrong.method << " " << wrong.request;
    EXPECT_EQ(detail->reason, wrong.reason) << wrong.method << " " << wrong.request;
    ASSERT_EQ(detail->field_violations.size(), 1u) << wrong.method << " " << wrong.request;
    EXPECT_EQ(detail->field_violations[0].field, wrong.field) << wrong.request;
  }
}

// gRPC says UNIMPLEMENTED of a unary call whose request it cannot parse, and nothing else.
TEST_F(EveryCallTest, ARequestThatCannotBeParsedIsRefusedAsSuch) {
  const grpc::Slice no_message(std::string("\xff\xff\xff"));
  std::vector<std::string> methods = NamedCall::Unary();
  for (const std::string& method : NamedCall::Streaming()) methods.push_back(method);
  for (const std::string& method : methods) {
    NamedCall call(*generic_, method, grpc::ByteBuffer(&no_message, 1));
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        "is no serialised alertjoin.v1." + method + "Request"));
    ASSERT_TRUE(DetailOf(call.status()).has_value());
    EXPECT_EQ(DetailOf(call.status())->reason, "MALFORMED_REQUEST");
  }
}

// Every field has such a case, but for those of which any value is a good one.
TEST_F(EveryCallTest, EachFieldThatCanBeWrongIsAmongThem) {
  const std::set<std::string> any_value_is_good = {"query_name", "source", "final_only", "strict",
                                                   "first_after"};
  std::set<std::string> refused;
  for (const Refusal& wrong : kRefusals) {
    const std::string field(wrong.field);
    refused.insert(std::string(wrong.method) + " " + field.substr(0, field.find_first_of(".[")));
  }
  for (const auto& methods : {NamedCall::Unary(), NamedCall::Streaming()}) {
    for (const std::string& method : methods) {
      const auto& request = *NamedCall::Method(method).input_type();
      for (int i = 0; i < request.field_count(); ++i) {
        const std::string& field = request.field(i)->name();
        EXPECT_NE(refused.contains(method + " " + field), any_value_is_good.contains(field))
            << method << " " << field;
      }
    }
  }
}

TEST_F(EveryCallTest, OfTheSubscriptionsEndsAtItsDeadlineOrCancelledAndIsForgotten) {
  for (const std::string& method : NamedCall::Streaming()) {
    NamedCall late(*generic_, method, "", Millis(50));
    EXPECT_THAT(late.status(), StatusIs(absl::StatusCode::kDeadlineExceeded)) << method;
    NamedCall cancelled(*generic_, method, "");
    cancelled.Cancel();
    EXPECT_THAT(cancelled.status(), StatusIs(absl::StatusCode::kCancelled)) << method;
  }
  while (Metrics().find("alertjoin_subscribers 0\n") == std::string::npos) {
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace alertjoin
