#include "correlator-service/http/correlator_http.h"

#include <re2/re2.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "correlator-service/http/annotations.h"
#include "correlator-service/http/api_docs.h"
#include "correlator-service/http/connect_calls.h"
#include "correlator-service/http/connect_error.h"
#include "correlator-service/http/event_stream.h"
#include "correlator-service/http/http_paths.h"
#include "correlator-service/http/messages.h"
#include "correlator-service/http/open_api.h"
#include "correlator-service/http/page_assets.h"
#include "correlator-service/http/schema.h"
#include "correlator-service/http/security_headers.h"
#include "correlator-service/http/table_export.h"

namespace alertjoin {
namespace {

HttpResponse Page(std::string body, const char* content_type) {
  HttpResponse response;
  response.body = std::move(body);
  response.content_type = content_type;
  return ForBrowsers(std::move(response));
}

// What never changes is made when it is asked for first.
const Schema& TheSchema() {
  static const Schema schema;
  return schema;
}

HttpResponse AnswerAsset(const PageAsset& asset, const HttpRequest& request) {
  HttpResponse response;
  response.headers.emplace_back("ETag", asset.etag);
  response.headers.emplace_back("Cache-Control", "no-cache");
  if (request.Header("if-none-match") == asset.etag) {
    response.status = 304;
    return response;
  }
  response.content_type = asset.content_type;
  response.body = asset.body;
  return response;
}

}  // namespace

void CorrelatorHttp::Open(std::shared_ptr<grpc::Channel> channel, GrpcPlace place) {
  {
    MutexLock lock(mutex_);
    place_ = place;
  }
  calls_.Open(std::move(channel));
}

// {"port":9750,"tls":false,"loopback":true}: nothing that whoever asks could not find by trying.
HttpResponse CorrelatorHttp::AnswerPlace() const {
  if (!calls_.open()) return ConnectErrorResponse(RpcCalls::NotServing());
  MutexLock lock(mutex_);
  HttpResponse response;
  response.content_type = "application/json";
  response.body =
      nlohmann::ordered_json{
          {"port", place_.port}, {"tls", place_.tls}, {"loopback", place_.loopback}}
          .dump();
  return response;
}

void CorrelatorHttp::AddTo(HttpServer& server) {
  server.Handle("POST", R"(/alertjoin\.v1\.CorrelatorService/([^/]*))",
                [this](const HttpRequest& request) {
                  return ForPrograms(AnswerConnectCall(calls_, request));
                });
  for (const StreamPath& stream : kStreamPaths) {
    const auto* const method = CorrelatorServiceDescriptor().FindMethodByName(stream.method);
    server.Handle("GET", stream.path, [this, method](const HttpRequest& request) {
      return ForPrograms(StreamEvents(calls_, event_streams_, *method, clock_, request));
    });
  }
  for (const FlatTable* const table : FlatTables()) {
    for (const TableFormat& format : kTableFormats) {
      server.Handle("GET", RE2::QuoteMeta(TablePath(*table, format)),
                    [this, table, format](const HttpRequest& request) {
                      return ForPrograms(
                          AnswerTable(calls_, exports_, *table, format.format, clock_, request));
                    });
    }
  }
  server.Handle("GET", kAnnotationsPath, [this](const HttpRequest& request) {
    return ForPrograms(AnswerAnnotations(calls_, clock_, request));
  });
  server.Handle("GET", RE2::QuoteMeta(kGrpcPlacePath),
                [this](const HttpRequest&) { return ForPrograms(AnswerPlace()); });
  server.Handle("GET", "/docs", [](const HttpRequest&) {
    static const std::string html = ApiDocsHtml(TheSchema());
    return Page(html, "text/html; charset=utf-8");
  });
  server.Handle("GET", "/docs\\.css",
                [](const HttpRequest&) { return Page(ApiDocsCss(), "text/css; charset=utf-8"); });
  server.Handle("GET", "/openapi\\.json", [](const HttpRequest&) {
    static const std::string document = OpenApiJson(TheSchema());
    return Page(document, "application/json");
  });
  for (const PageAsset& asset : PageAssets()) {
    server.Handle(
        "GET", RE2::QuoteMeta(std::string(asset.path)),
        [&asset](const HttpRequest& request) { return ForBrowsers(AnswerAsset(asset, request)); });
  }
}

}  // namespace alertjoin
