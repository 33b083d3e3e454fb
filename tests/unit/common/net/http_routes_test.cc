#include "common/net/http_routes.h"

#include <gmock/gmock.h>

#include <ctime>

namespace alertjoin {
namespace {

class HttpRoutesTest : public testing::Test {
 protected:
  HttpRoutesTest() {
    for (const auto& [method, pattern] :
         std::vector<std::pair<const char*, const char*>>{{"GET", "/"},
                                                          {"POST", "/|/webhook/?"},
                                                          {"POST", "/webhook/([^/]+)/?"},
                                                          {"PUT", "/webhook/([^/]+)/?"},
                                                          {"GET", "/a(?:/(b))?(/c)?"},
                                                          {"GET", "/a/.*"}}) {
      routes_.Add(method, pattern, [](const HttpRequest&) { return HttpResponse(); });
    }
  }
  // "pattern|part|part", or "status allow".
  std::string Find(const std::string& method, const std::string& path) {
    const auto found = routes_.Find(method, path);
    if (const auto* refused = std::get_if<HttpRoutes::NotFound>(&found)) {
      return std::to_string(refused->refusal.status) + " " + refused->allow;
    }
    std::string text = *std::get<HttpRoutes::Match>(found).pattern;
    for (const auto& part : std::get<HttpRoutes::Match>(found).path_parts) text += " " + part;
    return text;
  }

  HttpRoutes routes_;
};

TEST_F(HttpRoutesTest, WholePathDecides) {
  EXPECT_EQ(Find("POST", "/"), "/|/webhook/?");
  EXPECT_EQ(Find("POST", "/webhook"), "/|/webhook/?");
  EXPECT_EQ(Find("POST", "/webhook/"), "/|/webhook/?");
  EXPECT_EQ(Find("POST", "/webhook/x"), "/webhook/([^/]+)/? x");
  EXPECT_EQ(Find("POST", "/webhook/x/"), "/webhook/([^/]+)/? x");
  EXPECT_EQ(Find("POST", "/webhook/x/y"), "404 ");
  EXPECT_EQ(Find("POST", "/webhookx"), "404 ");
  EXPECT_EQ(Find("POST", ""), "404 ");
  EXPECT_EQ(Find("POST", "/webhook/\n"), "/webhook/([^/]+)/? \n");
  EXPECT_EQ(Find("POST", "/webhook/\xff"), "/webhook/([^/]+)/? \xff");
}

TEST_F(HttpRoutesTest, GroupsThatTookNoPartAreEmpty) {
  EXPECT_EQ(Find("GET", "/a"), "/a(?:/(b))?(/c)?  ");
  EXPECT_EQ(Find("GET", "/a/b/c"), "/a(?:/(b))?(/c)? b /c");
}

TEST_F(HttpRoutesTest, FirstMatchWins) { EXPECT_EQ(Find("GET", "/a/x"), "/a/.*"); }

TEST_F(HttpRoutesTest, OtherMethodIs405WithTheMethodsOfThePath) {
  EXPECT_EQ(Find("DELETE", "/"), "405 GET, HEAD, POST");
  EXPECT_EQ(Find("GET", "/webhook/x"), "405 POST, PUT");
  EXPECT_EQ(Find("HEAD", "/"), "/");
  EXPECT_EQ(Find("HEAD", "/webhook"), "405 POST");
}

TEST_F(HttpRoutesTest, LongPathsAreRefusedAndOthersMatchInLinearTime) {
  EXPECT_EQ(Find("GET", "/" + std::string(kHttpPathBytesMax, 'a')), "414 ");
  HttpRoutes routes;
  routes.Add("GET", "/(a*)*(a|a)*b", [](const HttpRequest&) { return HttpResponse(); });
  const std::clock_t begin = std::clock();  // Of this process alone.
  routes.Find("GET", "/" + std::string(kHttpPathBytesMax - 1, 'a'));
  EXPECT_LT(std::clock() - begin, CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace alertjoin
