#include "common/net/host_rule.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace alertjoin {
namespace {

HttpHead With(const std::string& name, const std::string& value) {
  HttpHead head;
  head.headers["host"] = "127.0.0.1:9751";
  head.headers[name] = value;
  return head;
}

int HostStatus(const HostRule& rule, const std::string& host) {
  const auto refusal = rule.CheckHost(With("host", host));
  return refusal.has_value() ? refusal->status : 0;
}

int OriginStatus(const HostRule& rule, const std::string& origin) {
  const auto refusal = rule.CheckOrigin(With("origin", origin));
  return refusal.has_value() ? refusal->status : 0;
}

TEST(HostRule, LoopbackAddressesAndConfiguredNamesAreOurs) {
  const HostRule rule({"Alertjoin.Example", "proxy.example:443"});
  char own[256] = {};
  ASSERT_EQ(::gethostname(own, sizeof(own) - 1), 0);
  for (const std::string host :
       {"", "localhost", "LOCALHOST:9751", "localhost.", "x.localhost:1", "127.0.0.1",
        "127.0.0.1:9751", "[::1]:9751", "[::1]", "10.1.2.3:80", "alertjoin.example",
        "alertjoin.example:9751", "ALERTJOIN.EXAMPLE.:1", "proxy.example",
        static_cast<const char*>(own)}) {
    EXPECT_EQ(HostStatus(rule, host), 0) << host;
  }
}

TEST(HostRule, OtherNamesAreNot) {
  const HostRule rule({"alertjoin.example"});
  for (const std::string host :
       {"evil.example", "evil.example:9751", "localhost.evil.example", "127.0.0.1.evil.example",
        "evillocalhost", "x.alertjoin.example", "alertjoin.example.evil", "[evil.example]",
        "127.0.0.1@evil.example", "[", "[]", ":9751", ".", "evil.example, localhost"}) {
    EXPECT_EQ(HostStatus(rule, host), 421) << host;
  }
}

TEST(HostRule, OnlyPagesOfItsOwnMayChangeSomething) {
  const HostRule rule({"alertjoin.example"});
  for (const std::string origin : {"", "http://127.0.0.1:9751", "https://127.0.0.1:9751",
                                   "https://alertjoin.example", "https://ALERTJOIN.example:8443"}) {
    EXPECT_EQ(OriginStatus(rule, origin), 0) << origin;
  }
  for (const std::string origin :
       {"null", "http://evil.example", "http://127.0.0.1:3000", "http://127.0.0.1:97511",
        "http://localhost:9751", "http://evil.example/127.0.0.1:9751", "127.0.0.1:9751",
        "http://127.0.0.1:9751, http://evil.example"}) {
    EXPECT_EQ(OriginStatus(rule, origin), 403) << origin;
  }
}

}  // namespace
}  // namespace alertjoin
