#include "tests/integration/read/http_read_fixture.h"

#include "common/net/admin_endpoints.h"
#include "common/net/grpc_server.h"
#include "common/time/clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

EventReader::EventReader(int port, std::string_view path, std::string_view headers)
    : client_(port) {
  head_ = client_.Ask(GetRequest(path, headers)).value_or(RawHttpResponse());
}

std::optional<SentEvent> EventReader::Next() {
  for (;;) {
    const size_t end = text_.find("\n\n");
    if (end == text_.npos) {
      const auto chunk = client_.ReceiveChunk();
      if (!chunk.has_value() || chunk->empty()) return std::nullopt;
      text_ += *chunk;
      continue;
    }
    SentEvent sent;
    bool is_event = false;
    for (size_t at = 0; at < end;) {
      const size_t line_end = std::min(text_.find('\n', at), end);
      const std::string line = text_.substr(at, line_end - at);
      at = line_end + 1;
      if (line.starts_with("id: ")) sent.id = line.substr(4);
      if (line.starts_with("event: ")) sent.event = line.substr(7);
      if (line.starts_with("data: ")) {
        is_event = true;
        sent.data = nlohmann::json::parse(line.substr(6));
      }
    }
    text_.erase(0, end + 2);
    if (is_event) return sent;
  }
}

SentEvent EventReader::NextNamed(std::string_view name) {
  while (auto sent = Next()) {
    if (sent->event == name) return *std::move(sent);
  }
  ADD_FAILURE() << "no event " << name;
  return {};
}

void HttpReadTest::StartHttp(Options options, HttpServerOptions http) {
  Start(options);
  http.streams_max = CorrelatorHttp::kStreamsMax;
  http.body_bytes_max = CorrelatorHttp::kBodyBytesMax;
  api_ = std::make_unique<CorrelatorHttp>(SystemClock());
  http_ = std::make_unique<HttpServer>(std::move(http));
  api_->AddTo(*http_);
  AddAdminEndpoints(*http_, registry_, [] { return absl::OkStatus(); });
  ASSERT_THAT(http_->Start(), IsOk());
  api_->Open(MakeInProcessChannel(*server_.server),
             {.port = server_.port, .tls = false, .loopback = true});
}

HttpReadTest::~HttpReadTest() {
  if (api_ != nullptr) api_->Close();
  if (hub_ != nullptr) hub_->Stop();
  if (api_ != nullptr) api_->Drain(std::chrono::seconds(10));
  if (server_.server != nullptr) ShutDown(std::chrono::seconds(10));
  if (http_ != nullptr) http_->Stop();
}

RawHttpResponse HttpReadTest::Get(std::string_view path, std::string_view headers) {
  RawHttpClient client(http_->port());
  RawHttpResponse response = client.Ask(GetRequest(path, headers)).value_or(RawHttpResponse());
  if (!response.headers.contains("transfer-encoding")) return response;
  for (;;) {
    const auto chunk = client.ReceiveChunk();
    if (!chunk.has_value()) ADD_FAILURE() << "cut off";
    if (!chunk.has_value() || chunk->empty()) return response;
    response.body += *chunk;
  }
}

RawHttpResponse HttpReadTest::Call(std::string_view method, std::string_view json,
                                   std::string_view headers) {
  RawHttpClient client(http_->port());
  return client
      .Ask(PostRequest("/alertjoin.v1.CorrelatorService/" + std::string(method), json, headers))
      .value_or(RawHttpResponse());
}

void HttpReadTest::CommitRows(int count, int first) {
  std::vector<JoinedRow> changes;
  for (int id = first; id < first + count; ++id) {
    RowSpec spec;
    spec.id = id;
    spec.alert = "alert" + std::to_string(id);
    spec.event_time = kRowsNow + Millis(1000 * id);
    spec.value = id;
    changes.push_back(MakeRow(spec));
  }
  store_->Commit({.changes = std::move(changes)}).value();
}

}  // namespace alertjoin
