#include "correlator-service/http/correlator_http.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <string>

#include "correlator-service/http/connect_calls.h"
#include "correlator-service/http/event_stream.h"
#include "correlator-service/http/messages.h"
#include "correlator-service/http/page_assets.h"
#include "correlator-service/http/security_headers.h"
#include "correlator-service/http/table_export.h"

namespace alertjoin {
namespace {

struct StreamPath {
  const char* path;
  const char* method;
};
constexpr StreamPath kStreams[] = {
    {"/api/v1/stream", "SubscribeJoinedRows"},
    {"/api/v1/stream/alerts", "SubscribeAlerts"},
    {"/api/v1/stream/samples", "SubscribeSamples"},
};

struct TableFormat {
  const char* ending;
  FlatFormat format;
};
constexpr TableFormat kTableFormats[] = {
    {"csv", FlatFormat::kCsv},
    {"json", FlatFormat::kJson},
    {"ndjson", FlatFormat::kNdjson},
};

HttpResponse AnswerAsset(const PageAsset& asset, const HttpRequest& request) {
  HttpResponse response;
  response.headers.emplace_back("ETag", asset.etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  const auto known = request.headers.find("if-none-match");
  if (known != request.headers.end() && known->second == asset.etag) {
    response.status = 304;
    return response;
  }
  response.content_type = asset.content_type;
  response.body = asset.body;
  return response;
}

}  // namespace

void CorrelatorHttp::AddTo(HttpServer& server) {
  server.Handle("POST", R"(/alertjoin\.v1\.CorrelatorService/([^/]*))",
                [this](const HttpRequest& request) {
                  return ForPrograms(AnswerConnectCall(calls_, request));
                });
  for (const StreamPath& stream : kStreams) {
    const auto* const method = CorrelatorServiceDescriptor().FindMethodByName(stream.method);
    server.Handle("GET", stream.path, [this, method](const HttpRequest& request) {
      return ForPrograms(StreamEvents(calls_, event_streams_, *method, clock_, request));
    });
  }
  for (const FlatTable* const table : FlatTables()) {
    for (const TableFormat& format : kTableFormats) {
      server.Handle("GET", fmt::format(R"(/api/v1/{}\.{})", table->name(), format.ending),
                    [this, table, format](const HttpRequest& request) {
                      return ForPrograms(
                          AnswerTable(calls_, exports_, *table, format.format, clock_, request));
                    });
    }
  }
  for (const PageAsset& asset : PageAssets()) {
    server.Handle(
        "GET", RE2::QuoteMeta(std::string(asset.path)),
        [&asset](const HttpRequest& request) { return ForBrowsers(AnswerAsset(asset, request)); });
  }
}

}  // namespace alertjoin
