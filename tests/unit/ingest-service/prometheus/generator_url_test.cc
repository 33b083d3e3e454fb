#include "ingest-service/prometheus/generator_url.h"

#include <gtest/gtest.h>

#include <string>

namespace alertjoin {
namespace {

TEST(GeneratorUrl, GivesTheRulesExpression) {
  EXPECT_EQ(ExpressionOfGeneratorUrl(
                "http://prometheus.example:9090/graph?g0.expr=disk_used_percent+%3E+90&g0.tab=1"),
            "disk_used_percent > 90");
  EXPECT_EQ(ExpressionOfGeneratorUrl("https://p/x/y/graph?g0.tab=1&g0.expr=a%2Bb#part"), "a+b");
  EXPECT_EQ(ExpressionOfGeneratorUrl("http://p/graph?g0%2Eexpr=up"), "up");
  EXPECT_EQ(ExpressionOfGeneratorUrl("http://p/graph?g0.expr=up&g0.expr=down"), "up");
  EXPECT_EQ(ExpressionOfGeneratorUrl("http://p/graph?g0.expr=x%7Ba%3D%22%C3%A4%26b%22%7D"),
            "x{a=\"\xc3\xa4&b\"}");
  EXPECT_EQ(ExpressionOfGeneratorUrl("http://p/graph?g0.expr=a > 5"), "a > 5");
}

TEST(GeneratorUrl, GivesNothingForOtherOrMalformedUrls) {
  for (const std::string url :
       {"", "not a url", "http://grafana/alerting/1/view",
        "http://p/graph?g0.expr=", "http://p/graph?g0.expr", "http://p/graph?xg0.expr=up",
        "http://p/graph?g1.expr=up", "http://p/graph?g0.expr=a%2", "http://p/graph?g0.expr=a%zz",
        "http://", "http://p:99999/graph?g0.expr=up", "http://p/#?g0.expr=up"}) {
    EXPECT_EQ(ExpressionOfGeneratorUrl(url), std::nullopt) << url;
  }
  EXPECT_EQ(ExpressionOfGeneratorUrl(std::string("http://p/?g0.expr=a\0b", 21)), std::nullopt);
  EXPECT_EQ(ExpressionOfGeneratorUrl("http://p/?g0.expr=" + std::string(kUrlBytesMax, 'a')),
            std::nullopt);
}

TEST(GeneratorUrl, OriginsOfOnePlaceAreEqual) {
  EXPECT_EQ(OriginOf("http://Prometheus.Example/graph"), "http://prometheus.example:80");
  EXPECT_EQ(OriginOf("http://prometheus.example:80"), "http://prometheus.example:80");
  EXPECT_EQ(OriginOf("HTTPS://user:secret@p/"), "https://p:443");
  EXPECT_EQ(OriginOf("http://[::1]:9090/x"), "http://[::1]:9090");
  EXPECT_EQ(OriginOf("ftp://p/"), std::nullopt);
  EXPECT_EQ(OriginOf("p:9090"), std::nullopt);
  EXPECT_EQ(OriginOf("/graph"), std::nullopt);
}

TEST(GeneratorUrl, PathsOfOnePlaceAreEqual) {
  EXPECT_EQ(AddressOf("http://p")->path, "/");
  EXPECT_EQ(AddressOf("http://p/")->path, "/");
  EXPECT_EQ(AddressOf("http://p/a/b/")->path, "/a/b");
  EXPECT_EQ(AddressOf("http://p/a/b?c=d")->path, "/a/b");
}

TEST(GeneratorUrl, EncodesWhatAFormCannotHold) {
  EXPECT_EQ(PercentEncode("sum(x{a=\"b+c\"}) > 5 & \xc3\xa4"),
            "sum%28x%7Ba%3D%22b%2Bc%22%7D%29%20%3E%205%20%26%20%C3%A4");
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
}

}  // namespace
}  // namespace alertjoin
