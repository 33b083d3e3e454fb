// Security files at the start, and when they change.

#include <gtest/gtest.h>

#include "tests/unit/common/access/access_control_fixture.h"

namespace alertjoin {
namespace {

TEST_F(AccessControlTest, AnOpenDoorThatIsShutLetsNobodyStay) {
  ASSERT_THAT(Open(""), IsOk());
  const auto admission = control_->CheckRpc(kList, {}).admission;
  ASSERT_NE(admission, nullptr);
  EXPECT_THAT(admission->Check(), IsOk());
  Write("web.yml", "identities: [{name: a, roles: [read]}]\n");
  control_->Look();
  EXPECT_THAT(admission->Check(), StatusIs(StatusCode::kUnauthenticated, ""));
}

// Whoever takes the last name away does not open the door.
TEST_F(AccessControlTest, AListOfNobodyLetsNobodyIn) {
  const AccessControl::Caller certified{"", "ingest-1"};
  for (const char* nobody : {"identities: []", "identities:", "identities: null"}) {
    ASSERT_THAT(Open("identities: [{name: ingest-1, roles: [push]}]\n"), IsOk());
    const auto admission = control_->CheckRpc(kPush, certified).admission;
    ASSERT_NE(admission, nullptr);
    Write("web.yml", std::string(nobody) + "\n");
    control_->Look();
    EXPECT_EQ(control_->CheckRpc(kPush, certified).outcome, Outcome::kUnknown) << nobody;
    EXPECT_THAT(admission->Check(), StatusIs(StatusCode::kUnauthenticated, "")) << nobody;
  }
  for (const char* nobody : {"basic_auth_users: {}", "basic_auth_users:"}) {
    ASSERT_THAT(Open(std::string(nobody) + "\n"), IsOk());
    EXPECT_EQ(Rpc(kList, ""), Outcome::kUnknown) << nobody;
    EXPECT_EQ(Rpc(kList, Basic("ann:correct horse")), Outcome::kUnknown) << nobody;
  }
  Write("tokens", kReader);
  ASSERT_THAT(Open("bearer_tokens_file: tokens\nidentities: []\n"), IsOk());
  EXPECT_EQ(Rpc(kList, "Bearer reader-token"), Outcome::kDenied);
}

TEST_F(AccessControlTest, CertificatesThatClientsMustShowAreNotWaivedByAReload) {
  TestAuthority authority;
  const auto pair = authority.Issue("server", "IP:127.0.0.1");
  Write("ca.pem", Read(authority.ca_file()));
  const std::string server = "tls_server_config:\n  cert_file: " + pair.cert_file +
                             "\n  key_file: " + pair.key_file + "\n";
  const std::string clients =
      "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n";
  const std::string names = "  client_allowed_sans: [prometheus.example]\n";
  ASSERT_THAT(Open(server + clients + names), IsOk());
  Write("web.yml", server + clients);  // Read while it is written.
  control_->Look();
  EXPECT_TRUE(control_->state()->tls->options.client_allowed_sans.has_value());
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
  ASSERT_THAT(Open(server + clients), IsOk());
  Write("web.yml", server);
  control_->Look();
  EXPECT_EQ(control_->state()->tls->options.client_auth, ClientAuth::kRequireAndVerifyClientCert);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
  Write("web.yml", server + clients);
  control_->Look();
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 1)"));
}

// As of a file that is read while it is written, or that somebody empties.
TEST_F(AccessControlTest, ADoorThatIsShutIsNotOpenedByAReload) {
  OpenWithTokens();
  for (const char* less : {"", "bearer_tokens_file: tokens\n"}) {
    Write("web.yml", less);
    control_->Look();
    EXPECT_EQ(Rpc(kList, ""), Outcome::kUnknown) << less;
    EXPECT_EQ(Rpc(kPush, "Bearer reader-token"), Outcome::kDenied) << less;
    EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
  }
  ASSERT_THAT(Open("bearer_tokens_file: tokens\n"), IsOk());
  Write("web.yml", "");
  control_->Look();
  EXPECT_EQ(Rpc(kList, ""), Outcome::kUnknown);
}

TEST_F(AccessControlTest, AFaultyFileKeepsTheOldAndIsTold) {
  OpenWithTokens();
  Write("tokens", "pusher\n");
  control_->Look();
  EXPECT_EQ(Rpc(kList, "Bearer reader-token"), Outcome::kAllowed);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
  Write("tokens", kReader);
  control_->Look();
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 1)"));
  EXPECT_EQ(Rpc(kPush, "Bearer pusher-token"), Outcome::kUnknown);
}

TEST_F(AccessControlTest, TheListOfIdentitiesIsReadAgain) {
  OpenWithTokens();
  Write("web.yml", "bearer_tokens_file: tokens\nidentities: [{name: reader, roles: [push]}]\n");
  control_->Look();
  EXPECT_EQ(Rpc(kList, "Bearer reader-token"), Outcome::kDenied);
  EXPECT_EQ(Rpc(kPush, "Bearer reader-token"), Outcome::kAllowed);
  EXPECT_EQ(Rpc(kPush, "Bearer pusher-token"), Outcome::kDenied);
}

TEST_F(AccessControlTest, CertificatesAreExchangedAndAWrongPairIsNot) {
  TestAuthority authority;
  const auto first = authority.Issue("first", "IP:127.0.0.1");
  const auto second = authority.Issue("second", "IP:127.0.0.1");
  Replace(first.cert_file, "cert.pem");
  Replace(first.key_file, "key.pem");
  ASSERT_THAT(Open(kTlsOnly), IsOk());
  const auto held = control_->state()->tls;
  ASSERT_NE(held, nullptr);
  EXPECT_FALSE(
      HasMetric(R"(alertjoin_tls_certificate_expiry_timestamp_seconds{listener="http"} 0)"));
  Replace(second.cert_file, "cert.pem");
  control_->Look();
  EXPECT_EQ(control_->state()->tls, held);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
  Replace(second.key_file, "key.pem");
  control_->Look();
  EXPECT_NE(control_->state()->tls->chain_pem, held->chain_pem);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 1)"));
  // TLS is not turned off behind the back of those who rely on it.
  Write("web.yml", "");
  control_->Look();
  EXPECT_NE(control_->state()->tls, nullptr);
}

// It is a pair, and in its time; but no handshake would come of it.
TEST_F(AccessControlTest, ACertificateThatTlsDoesNotTakeIsNotTakenInPlaceOfAnother) {
  TestAuthority authority;
  const auto first = authority.Issue("first", "IP:127.0.0.1");
  const auto weak = authority.IssueWeak("weak");
  Replace(first.cert_file, "cert.pem");
  Replace(first.key_file, "key.pem");
  ASSERT_THAT(Open(kTlsOnly), IsOk());
  const auto held = control_->state()->tls;
  Replace(weak.cert_file, "cert.pem");
  Replace(weak.key_file, "key.pem");
  control_->Look();
  EXPECT_EQ(control_->state()->tls, held);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
}

TEST_F(AccessControlTest, AnExpiredCertificateIsNotTakenInPlaceOfAnother) {
  TestAuthority authority;
  const auto first = authority.Issue("first", "IP:127.0.0.1");
  const auto second = authority.Issue("second", "IP:127.0.0.1");
  Replace(first.cert_file, "cert.pem");
  Replace(first.key_file, "key.pem");
  ASSERT_THAT(Open(kTlsOnly), IsOk());
  const auto held = control_->state()->tls;
  ASSERT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 1)"));
  clock_.Advance(std::chrono::hours(72));
  Replace(second.cert_file, "cert.pem");
  Replace(second.key_file, "key.pem");
  control_->Look();
  EXPECT_EQ(control_->state()->tls, held);
  EXPECT_TRUE(HasMetric(R"(alertjoin_access_last_load_successful{listener="http"} 0)"));
}

TEST_F(AccessControlTest, AnExpiredCertificateDoesNotStart) {
  TestAuthority authority;
  const auto pair = authority.Issue("first", "IP:127.0.0.1");
  clock_.Advance(std::chrono::hours(72));
  EXPECT_THAT(Open("tls_server_config: {cert_file: " + pair.cert_file +
                   ", key_file: " + pair.key_file + "}"),
              StatusIs(StatusCode::kInvalidArgument, "has expired"));
}

TEST_F(AccessControlTest, FaultsAtTheStartNameTheFile) {
  EXPECT_THAT(Open("bearer_tokens_file: nothing\n"),
              StatusIs(StatusCode::kFailedPrecondition, "nothing"));
  Write("tokens", "x");
  EXPECT_THAT(Open("bearer_tokens_file: tokens\n"),
              StatusIs(StatusCode::kInvalidArgument, "/tokens: line 1"));
}

}  // namespace
}  // namespace alertjoin
