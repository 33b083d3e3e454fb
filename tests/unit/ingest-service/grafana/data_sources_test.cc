#include "ingest-service/grafana/data_sources.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

// As Grafana 10 answers, shortened.
constexpr char kList[] = R"([
 {"id":2,"uid":"b-uid","orgId":1,"name":"hub b","type":"prometheus","access":"proxy",
  "url":"http://prometheus-b:9090","isDefault":false,"jsonData":{"httpMethod":"POST"}},
 {"id":1,"uid":"a-uid","orgId":1,"name":"hub a","type":"prometheus","access":"proxy","url":""},
 {"id":3,"uid":"loki","name":"logs","type":"loki","access":"proxy","url":"http://loki"},
 {"id":4,"uid":"direct","name":"browser","type":"prometheus","access":"direct","url":"http://p"},
 {"id":5,"name":"old, without uid","type":"prometheus","access":"proxy"},
 {"id":6,"uid":"../x","name":"odd","type":"prometheus","access":"proxy"},
 {"id":7,"uid":5,"name":null,"type":"prometheus"}, null, 7])";

constexpr char kSettings[] = R"({"buildInfo":{"version":"10.4.1"},"datasources":{
 "-- Grafana --":{"type":"datasource","uid":"grafana","name":"-- Grafana --"},
 "hub b":{"id":2,"uid":"b-uid","type":"prometheus","name":"hub b","access":"proxy",
          "url":"/api/datasources/proxy/uid/b-uid"},
 "logs":{"uid":"loki","type":"loki","access":"proxy"}}})";

std::vector<std::string> NamesOf(const std::vector<GrafanaDataSource>& sources) {
  std::vector<std::string> names;
  for (const GrafanaDataSource& source : sources) names.push_back(source.name);
  return names;
}

std::vector<GrafanaDataSource> Named(const std::vector<std::string>& names) {
  std::vector<GrafanaDataSource> sources;
  for (const std::string& name : names) sources.push_back({"u-" + name, name, ""});
  return sources;
}

TEST(DataSources, ListHasThoseOfPrometheusThatGrafanaAsks) {
  const auto list = DecodeDataSourceList(kList);
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(*list, ElementsAre(GrafanaDataSource{"a-uid", "hub a", ""},
                                 GrafanaDataSource{"b-uid", "hub b", "http://prometheus-b:9090"}));
  EXPECT_THAT(*DecodeDataSourceList("[]"), IsEmpty());
}

TEST(DataSources, FrontendSettingsHaveThemToo) {
  const auto list = DecodeFrontendSettings(kSettings);
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(*list, ElementsAre(GrafanaDataSource{"b-uid", "hub b", ""}));
}

// A list that is none must not end all sources.
TEST(DataSources, WhatIsNoListIsAnError) {
  for (const char* body : {"", "<html>login</html>", "{}", "null", "[", R"({"message":"no"})"}) {
    EXPECT_THAT(DecodeDataSourceList(body), StatusIs(kUnavailable, "not a list")) << body;
  }
  for (const char* body : {"", "<html>", "[]", "{}", R"({"datasources":[]})", "null"}) {
    EXPECT_THAT(DecodeFrontendSettings(body), StatusIs(kUnavailable, "not a list")) << body;
  }
}

TEST(DataSources, IncludeAndExcludeMatchWholeNames) {
  GrafanaOptions options;
  options.name = "g";
  const auto list = Named({"hub-1", "hub-2", "my hub-1", "test"});
  EXPECT_THAT(NamesOf(ChooseDataSources(list, options).sources),
              ElementsAre("hub-1", "hub-2", "my hub-1", "test"));
  options.include = "hub-.*";
  EXPECT_THAT(NamesOf(ChooseDataSources(list, options).sources), ElementsAre("hub-1", "hub-2"));
  options.exclude = ".*2";
  EXPECT_THAT(NamesOf(ChooseDataSources(list, options).sources), ElementsAre("hub-1"));
  options.include = "";
  options.exclude = "hub";
  EXPECT_EQ(ChooseDataSources(list, options).sources.size(), 4u);
}

TEST(DataSources, TheirNumberAndTheirNamesAreLimited) {
  GrafanaOptions options;
  options.name = "g";
  std::vector<std::string> names;
  for (size_t i = 0; i < kDataSourcesMax + 3; ++i) names.push_back("s" + std::to_string(i));
  names.push_back(std::string(255, 'n'));
  names.push_back("s1");
  const ChosenDataSources chosen = ChooseDataSources(Named(names), options);
  EXPECT_EQ(chosen.sources.size(), kDataSourcesMax);
  EXPECT_EQ(chosen.left_out, 4u);
}

TEST(DataSources, EachIsAMetricsSourceBehindTheProxy) {
  GrafanaOptions options;
  options.name = "hubs";
  options.url = "https://grafana.example/sub/";
  options.terms.name = "hubs";
  options.terms.timeout = Millis(7000);
  options.terms.queries.emplace_back().name = "depth";
  const MetricsSourceOptions source =
      MetricsSourceOf(options, {"b-uid", "hub b", "http://prometheus-b:9090"});
  EXPECT_EQ(source.name, "hubs/hub b");
  EXPECT_EQ(source.url, "https://grafana.example/sub/api/datasources/proxy/uid/b-uid");
  EXPECT_EQ(source.external_url, "http://prometheus-b:9090");
  EXPECT_EQ(source.timeout, Millis(7000));
  EXPECT_EQ(source.queries.size(), 1u);
}

}  // namespace
}  // namespace alertjoin
