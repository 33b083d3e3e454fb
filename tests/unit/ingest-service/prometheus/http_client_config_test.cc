#include "ingest-service/prometheus/http_client_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  HttpClientOptions options;
  absl::Status status;
};

Outcome Read(const std::string& text, const std::string& name = "ingest.yml") {
  YamlDocument document(text, name);
  YamlNode root = document.root();
  Outcome outcome{ReadHttpClient(root), absl::OkStatus()};
  root.Finish();
  outcome.status = document.status();
  return outcome;
}

std::string Fault(const std::string& text) { return MessageOf(Read(text).status); }

TEST(HttpClientConfig, ReadsEveryKey) {
  const Outcome outcome = Read(R"(
basic_auth: {username: joe, password_file: /run/password}
tls_config:
  ca_file: ca.pem
  cert_file: client.pem
  key_file: /keys/client.key
  server_name: prometheus.internal
  insecure_skip_verify: true
  min_version: TLS13
http_headers:
  X-Scope-OrgID: {values: [one, two]}
  X-Key: {secrets: [abc], files: [key.txt]}
follow_redirects: false
proxy_url: http://user:word@proxy:3128
no_proxy: localhost,10.0.0.0/8
response_bytes_max: 2MiB
)",
                               "/etc/alertjoin/ingest.yml");
  ASSERT_THAT(outcome.status, IsOk());
  const HttpClientOptions& options = outcome.options;
  EXPECT_EQ(options.basic_auth->username, "joe");
  EXPECT_EQ(options.basic_auth->password.file, "/run/password");
  EXPECT_EQ(options.tls.ca.file, "/etc/alertjoin/ca.pem");
  EXPECT_EQ(options.tls.cert.file, "/etc/alertjoin/client.pem");
  EXPECT_EQ(options.tls.key.file, "/keys/client.key");
  EXPECT_EQ(options.tls.server_name, "prometheus.internal");
  EXPECT_TRUE(options.tls.insecure_skip_verify);
  EXPECT_EQ(options.tls.min_version, TlsClientOptions::Version::k13);
  ASSERT_EQ(options.headers.size(), 2u);
  EXPECT_EQ(options.headers[0].name, "X-Scope-OrgID");
  EXPECT_THAT(options.headers[0].values, ElementsAre("one", "two"));
  ASSERT_EQ(options.headers[1].secrets.size(), 2u);
  EXPECT_EQ(options.headers[1].secrets[0].text, Secret("abc"));
  EXPECT_EQ(options.headers[1].secrets[1].file, "/etc/alertjoin/key.txt");
  EXPECT_FALSE(options.follow_redirects);
  EXPECT_EQ(options.proxy_url, Secret("http://user:word@proxy:3128"));
  EXPECT_EQ(options.no_proxy, "localhost,10.0.0.0/8");
  EXPECT_EQ(options.response_bytes_max, uint64_t{2} << 20);
}

TEST(HttpClientConfig, DefaultsAreThoseOfPrometheus) {
  const Outcome outcome = Read("authorization: {credentials: abc}");
  ASSERT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.options.authorization->type, "Bearer");
  EXPECT_EQ(outcome.options.authorization->credentials.text, Secret("abc"));
  EXPECT_FALSE(outcome.options.basic_auth.has_value());
  EXPECT_TRUE(outcome.options.follow_redirects);
  EXPECT_FALSE(outcome.options.tls.insecure_skip_verify);
  EXPECT_TRUE(outcome.options.proxy_url.empty());
  EXPECT_EQ(outcome.options.response_bytes_max, uint64_t{64} << 20);
}

TEST(HttpClientConfig, KeysThatExcludeEachOtherAreNamedWithTheirPlace) {
  EXPECT_EQ(Fault("basic_auth:\n  password: a\n  password_file: b\n"),
            "ingest.yml:3:18: give password or password_file, not both");
  EXPECT_EQ(Fault("basic_auth: {username: a, username_file: b}"),
            "ingest.yml:1:42: give username or username_file, not both");
  EXPECT_EQ(Fault("authorization: {credentials: a, credentials_file: b}"),
            "ingest.yml:1:51: give credentials or credentials_file, not both");
  EXPECT_EQ(Fault("basic_auth: {username: a}\nauthorization: {credentials: a}"),
            "ingest.yml:2:16: give basic_auth or authorization, not both");
  EXPECT_EQ(Fault("tls_config: {ca: a, ca_file: b}"),
            "ingest.yml:1:30: give ca or ca_file, not both");
}

TEST(HttpClientConfig, WhatCannotWorkIsAFault) {
  EXPECT_THAT(Fault("authorization: {type: basic, credentials: a}"), HasSubstr("use basic_auth"));
  EXPECT_THAT(Fault("authorization: {type: Bearer}"), HasSubstr("needs credentials"));
  EXPECT_THAT(Fault("authorization: {type: 'a b', credentials: a}"), HasSubstr("one word"));
  EXPECT_THAT(Fault("basic_auth: {username: 'a:b'}"), HasSubstr("colon"));
  EXPECT_THAT(Fault("basic_auth: {usernme: a}"), HasSubstr("1:14: unknown key \"usernme\""));
  EXPECT_THAT(Fault("tls_config: {cert_file: a}"), HasSubstr("cert_file and key_file"));
  EXPECT_THAT(Fault("tls_config: {min_version: '1.2'}"), HasSubstr("TLS12"));
  EXPECT_THAT(Fault("tls_config: {max_version: TLS11}"), HasSubstr("below min_version"));
  EXPECT_THAT(Fault("tls_config: {server_name: 'a:443'}"), HasSubstr("without a port"));
  EXPECT_THAT(Fault("http_headers: {Authorization: {values: [a]}}"),
              HasSubstr("use authorization"));
  EXPECT_THAT(Fault("http_headers: {'X: y': {values: [a]}}"), HasSubstr("no name of a header"));
  EXPECT_THAT(Fault("http_headers: {X: {values: [\"a\\r\\nb\"]}}"), HasSubstr("line breaks"));
  EXPECT_THAT(Fault("http_headers: {X: {}}"), HasSubstr("needs values"));
  EXPECT_THAT(Fault("no_proxy: a"), HasSubstr("needs a proxy_url"));
  EXPECT_THAT(Fault("proxy_url: 'ftp://a'"), HasSubstr("socks5://"));
  EXPECT_THAT(Fault("bearer_token: a"), HasSubstr("use authorization with credentials"));
  EXPECT_THAT(Fault("bearer_token_file: a"), HasSubstr("credentials_file"));
  EXPECT_THAT(Fault("oauth2: {client_id: a}"), HasSubstr("not supported"));
  EXPECT_THAT(Fault("response_bytes_max: 1"), HasSubstr("1KiB"));
}

// Every place that can hold a secret, next to every fault that there can be about it.
TEST(HttpClientConfig, NoFaultShowsASecret) {
  for (const std::string text : {
           "basic_auth: {password: canary, password_file: f}",
           "basic_auth: {password: \"canary\\n\"}",
           "basic_auth: canary",
           "basic_auth: {password: [canary]}",
           "basic_auth: {password: {canary: 1}}",
           "authorization: {credentials: canary, credentials_file: f}",
           "authorization: {credentials: \"canary\\x01\"}",
           "authorization: canary",
           "bearer_token: canary",
           "oauth2: {client_secret: canary}",
           "http_headers: {X: {secrets: [\"canary\\n\"]}}",
           "http_headers: {X: {secrets: [[canary]]}}",
           "http_headers: {X: canary}",
           "http_headers: {Authorization: {secrets: [canary]}}",
           "tls_config: {key: canary}",
           "tls_config: {key: canary, key_file: f, cert: c}",
           "proxy_url: ftp://user:canary@proxy",
           "proxy_url: 'http://user:canary@ proxy'",
           "{proxy_url: 'http://user:canary@proxy', unknown: 1}",
       }) {
    const std::string fault = Fault(text);
    EXPECT_THAT(fault, HasSubstr("ingest.yml:1:")) << text;
    EXPECT_THAT(fault, Not(HasSubstr("canary"))) << text;
  }
}

TEST(HttpClientConfig, NoFaultOfTheTextShowsASecret) {
  for (const std::string text : {
           "basic_auth: {password: 'canary",
           "basic_auth: {password: \"canary\\q\"}",
           "basic_auth: {password: canary, password: canary}",
           "basic_auth: {password: *canary}",
           "basic_auth: {password: !canary x}",
           "basic_auth: {password: canary",
           "basic_auth:\n  password: canary\n canary: x: y",
           "password: |canary",
       }) {
    const std::string fault = Fault(text);
    EXPECT_THAT(fault, HasSubstr("ingest.yml:")) << text;
    EXPECT_THAT(fault, Not(HasSubstr("canary"))) << text;
  }
}

std::pair<std::string, std::string> Url(const std::string& text) {
  YamlDocument document("url: '" + text + "'", "ingest.yml");
  std::string url = ReadHttpUrl(document.root().Child("url"));
  return {url, MessageOf(document.status())};
}

TEST(HttpClientConfig, AUrlHasAPrefixButNoCredentials) {
  for (const std::string good : {"http://a", "https://a:9090/prefix/", "http://[::1]:9090/a"}) {
    EXPECT_EQ(Url(good), std::make_pair(good, std::string())) << good;
  }
  for (const std::string secret :
       {"http://joe:canary@a/x", "https://canary@a", "http://:canary@a"}) {
    EXPECT_THAT(Url(secret).second, HasSubstr("use basic_auth")) << secret;
    EXPECT_THAT(Url(secret).second, Not(HasSubstr("canary"))) << secret;
  }
  for (const std::string wrong :
       {"a:9090", "ftp://a", "http://", "http://a b", "/x", "unix:///x"}) {
    EXPECT_THAT(Url(wrong).second, HasSubstr("1:6: expected a URL that begins with http")) << wrong;
  }
  EXPECT_THAT(Url("http://a/?x=y").second, HasSubstr("without a query"));
  EXPECT_THAT(Url("http://a/#x").second, HasSubstr("without a query"));
  EXPECT_THAT(Url("").second, HasSubstr("must not be empty"));
}

}  // namespace
}  // namespace alertjoin
