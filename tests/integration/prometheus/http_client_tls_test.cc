// HttpClient over libcurl against a server that speaks TLS, with certificates made for the test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "common/config/small_file.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "tests/integration/prometheus/awaited_answer.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

class HttpClientTlsTest : public ::testing::Test {
 protected:
  // Tells who asked for whom.
  static std::string Tell(const HttpPeer::Request& request) {
    return HttpPeer::Answer(200, "{client=" + request.client + " name=" + request.server_name +
                                     "\n" + request.head + "}");
  }
  static std::string Contents(const std::string& path) { return *ReadSmallFile(path); }

  absl::StatusOr<HttpAnswer> Fetch(const HttpClientOptions& options, const std::string& url) {
    HttpClient client(options, transport_);
    AwaitedAnswer<HttpAnswer> answer;
    HttpCall call;
    call.lane = "lane";
    call.url = url;
    call.timeout = std::chrono::seconds(20);
    client.Start(std::move(call), answer.Callback());
    return answer.Get();
  }

  TestAuthority authority_;
  TestAuthority other_authority_;
  TestAuthority::Issued server_ =
      authority_.Issue("server", "IP:127.0.0.1,DNS:prometheus.internal");
  CurlHttpTransport transport_;
};

TEST_F(HttpClientTlsTest, CertificatesAreVerifiedUnlessItIsSaidNotTo) {
  HttpPeer peer(Tell, {server_.cert_file, server_.key_file, ""});
  HttpClientOptions options;
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable, "certificate"));
  options.tls.ca.file = other_authority_.ca_file();
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable, "certificate"));
  options.tls.ca.file = authority_.ca_file();
  EXPECT_THAT(Fetch(options, peer.url()), IsOk());
  HttpClientOptions in_place;
  in_place.tls.ca.text = Secret(Contents(authority_.ca_file()));
  EXPECT_THAT(Fetch(in_place, peer.url()), IsOk());
  HttpClientOptions careless;
  careless.tls.insecure_skip_verify = true;
  EXPECT_THAT(Fetch(careless, peer.url()), IsOk());
  // And that stays between those two: connections are not mixed up.
  EXPECT_THAT(Fetch(HttpClientOptions(), peer.url()), StatusIs(StatusCode::kUnavailable));
}

TEST_F(HttpClientTlsTest, TheNameInTheCertificateCounts) {
  const auto named = authority_.Issue("named", "DNS:prometheus.internal");
  HttpPeer peer(Tell, {named.cert_file, named.key_file, ""});
  HttpClientOptions options;
  options.tls.ca.file = authority_.ca_file();
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable, "subject name"));
  options.tls.server_name = "prometheus.internal";
  const auto answer = Fetch(options, peer.url() + "/x");
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->body, HasSubstr("name=prometheus.internal\n"));
  EXPECT_THAT(answer->body, HasSubstr("Host: 127.0.0.1:" + std::to_string(peer.port())));
  options.tls.server_name = "other.internal";
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable, "other.internal"));
}

TEST_F(HttpClientTlsTest, ClientsShowTheirCertificateAndANewOneWithoutARestart) {
  HttpPeer peer(Tell, {server_.cert_file, server_.key_file, authority_.ca_file()});
  HttpClientOptions options;
  options.tls.ca.file = authority_.ca_file();
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable));
  const auto first = authority_.Issue("first");
  options.tls.cert.file = first.cert_file;
  options.tls.key.file = first.key_file;
  auto answer = Fetch(options, peer.url());
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->body, HasSubstr("client=first "));
  // The same files, with another certificate in them.
  const auto second = authority_.Issue("second");
  std::filesystem::rename(second.cert_file, first.cert_file);
  std::filesystem::rename(second.key_file, first.key_file);
  answer = Fetch(options, peer.url());
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->body, HasSubstr("client=second "));
  // A key that is not the certificate's.
  std::filesystem::copy_file(authority_.Issue("third").key_file, first.key_file,
                             std::filesystem::copy_options::overwrite_existing);
  HttpClientOptions mixed = options;
  mixed.tls.max_version = TlsClientOptions::Version::k12;
  EXPECT_THAT(Fetch(mixed, peer.url()), StatusIs(StatusCode::kUnavailable));
  std::filesystem::remove(first.key_file);
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnauthenticated, "key_file: "));
}

TEST_F(HttpClientTlsTest, TheVersionIsBounded) {
  HttpPeer peer(Tell, {server_.cert_file, server_.key_file, ""});
  HttpClientOptions options;
  options.tls.ca.file = authority_.ca_file();
  options.tls.min_version = TlsClientOptions::Version::k13;
  EXPECT_THAT(Fetch(options, peer.url()), IsOk());
  options.tls.min_version = TlsClientOptions::Version::k10;
  options.tls.max_version = TlsClientOptions::Version::k10;
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kUnavailable));
}

TEST_F(HttpClientTlsTest, RedirectsAndDatesComeThrough) {
  HttpPeer peer(
      [](const HttpPeer::Request& request) {
        if (request.target == "/old/x?a=b") {
          return HttpPeer::Answer(308, "", "Location: ../new/x?a=b\r\n");
        }
        if (request.target == "/away") {
          return HttpPeer::Answer(302, "", "Location: https://127.0.0.1:1/\r\n");
        }
        return HttpPeer::Answer(200, "{" + request.target + "}",
                                "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n");
      },
      {server_.cert_file, server_.key_file, ""});
  HttpClientOptions options;
  options.tls.ca.file = authority_.ca_file();
  for (const std::string server_name : {"", "prometheus.internal"}) {
    options.tls.server_name = server_name;
    const auto answer = Fetch(options, peer.url() + "/old/x?a=b");
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->body, "{/new/x?a=b}");
    EXPECT_EQ(answer->date, Timestamp::FromMillis(1'700'000'000'000));
    EXPECT_THAT(Fetch(options, peer.url() + "/away"),
                StatusIs(StatusCode::kFailedPrecondition, "https://127.0.0.1:1"));
  }
}

TEST_F(HttpClientTlsTest, AnswersAreBoundedAsInflated) {
  HttpPeer peer(
      [](const HttpPeer::Request&) { return HttpPeer::Answer(200, std::string(2000, ' ')); });
  HttpClientOptions options;
  options.response_bytes_max = 1999;
  EXPECT_THAT(Fetch(options, peer.url()), StatusIs(StatusCode::kResourceExhausted, "1999 bytes"));
  options.response_bytes_max = 2000;
  EXPECT_THAT(Fetch(options, peer.url()), IsOk());
}

TEST_F(HttpClientTlsTest, AProxysPasswordIsNotInItsErrors) {
  HttpClientOptions options;
  for (const std::string proxy :
       {"http://joe:canary@127.0.0.1:1", "http://joe:canary@nowhere.invalid",
        "socks5://joe:canary@127.0.0.1:1", "bogus://joe:canary@x"}) {
    options.proxy_url = Secret(proxy);
    const auto answer = Fetch(options, "http://127.0.0.1:1/");
    ASSERT_FALSE(answer.ok());
    EXPECT_THAT(MessageOf(answer.status()), ::testing::Not(HasSubstr("canary"))) << proxy;
  }
}

TEST_F(HttpClientTlsTest, AProxyIsAskedWithItsCredentials) {
  HttpPeer proxy([](const HttpPeer::Request& request) {
    return HttpPeer::Answer(200, "{" + request.target + "\n" + request.head + "}");
  });
  HttpClientOptions options;
  options.proxy_url = Secret("http://joe:canary@127.0.0.1:" + std::to_string(proxy.port()));
  const auto answer = Fetch(options, "http://prometheus.invalid/x");
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->body, HasSubstr("{http://prometheus.invalid/x\n"));
  EXPECT_THAT(answer->body, HasSubstr("Proxy-Authorization: Basic am9lOmNhbmFyeQ=="));
}

}  // namespace
}  // namespace alertjoin
