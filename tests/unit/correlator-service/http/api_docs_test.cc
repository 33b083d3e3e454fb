#include "correlator-service/http/api_docs.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "correlator-service/http/flat_table.h"
#include "correlator-service/http/http_paths.h"
#include "correlator-service/http/open_api.h"

namespace alertjoin {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const Schema& TheSchema() {
  static const Schema schema;
  return schema;
}

TEST(Schema, HasTheCommentsOfTheProtos) {
  const auto* const method = TheSchema().service().FindMethodByName("ListJoinedRows");
  EXPECT_THAT(Schema::CommentOf(*method), testing::StartsWith("Lists joined rows, newest"));
  const auto* const field = method->input_type()->FindFieldByName("page_size");
  EXPECT_THAT(Schema::CommentOf(*field), testing::StartsWith("Optional. Rows a page"));
}

TEST(ApiDocs, HasEveryCallWithItsCommentAndALineToTry) {
  const std::string html = ApiDocsHtml(TheSchema());
  for (int i = 0; i < TheSchema().service().method_count(); ++i) {
    const auto& method = *TheSchema().service().method(i);
    EXPECT_NE(Schema::CommentOf(method), "") << method.name();
    EXPECT_THAT(html, HasSubstr("<section id=\"" + method.name() + "\">"));
    if (!method.server_streaming()) {
      EXPECT_THAT(html,
                  HasSubstr("127.0.0.1:9751/alertjoin.v1.CorrelatorService/" + method.name()));
    }
  }
  for (const StreamPath& stream : kStreamPaths) {
    EXPECT_THAT(html, HasSubstr(std::string("curl -N http://127.0.0.1:9751") + stream.path));
  }
  for (const FlatTable* const table : FlatTables()) {
    for (const FlatColumn& column : table->columns()) {
      EXPECT_THAT(html, HasSubstr(std::string("<code>") + column.name + "</code>"));
    }
  }
}

// The page's own rule allows neither.
TEST(ApiDocs, HasNoScriptAndNoStyleInLine) {
  const std::string html = ApiDocsHtml(TheSchema());
  EXPECT_EQ(html.find("<script"), html.npos);
  EXPECT_EQ(html.find("style="), html.npos);
  EXPECT_EQ(html.find("<style"), html.npos);
  EXPECT_EQ(html.find("http://www"), html.npos);
}

TEST(ApiDocs, EveryLinkWithinThePageHasItsPlace) {
  const std::string html = ApiDocsHtml(TheSchema());
  size_t links = 0;
  for (size_t at = html.find("href=\"#"); at != html.npos; at = html.find("href=\"#", at)) {
    at += 7;
    const std::string id = html.substr(at, html.find('"', at) - at);
    EXPECT_THAT(html, HasSubstr("id=\"" + id + "\"")) << id;
    ++links;
  }
  EXPECT_GT(links, 50u);
}

void CollectReferences(const json& value, std::set<std::string>& references) {
  if (value.is_object() && value.contains("$ref")) {
    references.insert(value["$ref"].get<std::string>());
  }
  for (const json& part : value) {
    if (part.is_structured()) CollectReferences(part, references);
  }
}

TEST(OpenApi, EveryPathHasAnAnswerAndEveryReferenceATarget) {
  const json document = json::parse(OpenApiJson(TheSchema()));
  EXPECT_EQ(document["openapi"], "3.0.3");
  std::set<std::string> operations;
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) {
      EXPECT_TRUE(operations.insert(operation["operationId"].get<std::string>()).second) << path;
      EXPECT_TRUE(operation["responses"].contains("200")) << path;
      EXPECT_TRUE(operation["responses"].contains("default")) << path;
    }
  }
  // Unary calls and streams, tables and annotations.
  const auto& service = TheSchema().service();
  EXPECT_EQ(operations.size(), static_cast<size_t>(service.method_count()) + 10);
  std::set<std::string> references;
  CollectReferences(document, references);
  EXPECT_GT(references.size(), 20u);
  for (const std::string& reference : references) {
    EXPECT_TRUE(document.contains(json::json_pointer(reference.substr(1)))) << reference;
  }
}

}  // namespace
}  // namespace alertjoin
