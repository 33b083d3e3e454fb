#include "common/access/access_control.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <filesystem>
#include <fstream>

#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using Outcome = AccessControl::Verdict::Outcome;

// Of "correct horse".
constexpr char kHash[] = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
const std::string kReader =
    "reader ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45\n";
const std::string kPusher =
    "pusher bf77905ed28e8a4f379c1da6826547a9e9d2dd4a2908e05d7889f0d415ace350\n";
const std::string kAdmin =
    "admin 10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a\n";
constexpr char kList[] = "/alertjoin.v1.CorrelatorService/ListJoinedRows";
constexpr char kTlsOnly[] = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
constexpr char kPush[] = "/alertjoin.v1.IngestService/PushEvents";

std::string Basic(const std::string& pair) { return "Basic " + absl::Base64Escape(pair); }

class AccessControlTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    // As tools do it: the new file takes the place of the old one.
    std::ofstream(folder_ / "new") << text;
    std::filesystem::rename(folder_ / "new", folder_ / name);
  }
  static std::string Read(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void Replace(const std::string& from, const std::string& name) {
    std::filesystem::copy_file(from, folder_ / "new");
    std::filesystem::rename(folder_ / "new", folder_ / name);
  }
  absl::Status Open(const std::string& config) {
    Write("web.yml", config);
    auto opened = AccessControl::Open(folder_ / "web.yml", ListenerKind::kHttp, clock_, registry_);
    if (opened.ok()) control_ = *std::move(opened);
    return opened.status();
  }
  void OpenWithTokens() {
    Write("tokens", kReader + kPusher + kAdmin);
    ASSERT_THAT(Open(std::string("bearer_tokens_file: tokens\nbasic_auth_users: {ann: ") + kHash +
                     "}\nidentities:\n- {name: reader, roles: [read]}\n"
                     "- {name: pusher, roles: [push]}\n- {name: admin, roles: [admin]}\n"
                     "- {name: ann, roles: [read, push]}\n- {name: ingest-1, roles: [push]}\n"),
                IsOk());
  }
  Outcome Rpc(const std::string& method, const std::string& authorization,
              const std::string& certificate = "") {
    return control_->CheckRpc(method, {authorization, certificate}).outcome;
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }
  bool HasMetric(const std::string& line) {
    return Metrics().find(line + "\n") != std::string::npos;
  }

  TemporaryFolder folder_;
  prometheus::Registry registry_;
  // Ahead of the machine's: certificates of the test's own, made while it runs, are valid by it.
  ManualClock clock_{SystemClock().Now() + std::chrono::hours(1)};
  std::unique_ptr<AccessControl> control_;
};

TEST_F(AccessControlTest, WithoutIdentitiesEveryoneMayDoEverything) {
  ASSERT_THAT(Open(""), IsOk());
  EXPECT_EQ(Rpc(kPush, ""), Outcome::kAllowed);
  EXPECT_EQ(Rpc("/x/Y", "Bearer wrong"), Outcome::kAllowed);
}

// 5 callers by 4 calls: every cell.
TEST_F(AccessControlTest, EachMayDoWhatItsRoleSays) {
  OpenWithTokens();
  struct Row {
    std::string authorization;
    std::string certificate;
    Outcome list, push, reload, health;
  };
  constexpr Outcome kYes = Outcome::kAllowed;
  constexpr Outcome kNo = Outcome::kDenied;
  constexpr Outcome kWho = Outcome::kUnknown;
  const Row rows[] = {
      {"", "", kWho, kWho, kWho, kYes},
      {"Bearer wrong", "", kWho, kWho, kWho, kYes},
      {"Bearer reader-token", "", kYes, kNo, kNo, kYes},
      {"bearer  pusher-token", "", kNo, kYes, kNo, kYes},
      {"Bearer admin-token", "", kNo, kNo, kYes, kYes},
      {Basic("ann:correct horse"), "", kYes, kYes, kNo, kYes},
      {Basic("ann:wrong"), "", kWho, kWho, kWho, kYes},
      {Basic("bob:correct horse"), "", kWho, kWho, kWho, kYes},
      {Basic("reader:reader-token"), "", kWho, kWho, kWho, kYes},
      {"Basic !!!", "", kWho, kWho, kWho, kYes},
      {"Basic", "", kWho, kWho, kWho, kYes},
      {"Digest x", "", kWho, kWho, kWho, kYes},
      {"", "ingest-1", kNo, kYes, kNo, kYes},
      {"", "somebody", kWho, kWho, kWho, kYes},
      // Who says a secret is who the secret says, and a wrong one is not made good.
      {"Bearer reader-token", "ingest-1", kYes, kNo, kNo, kYes},
      {"Bearer wrong", "ingest-1", kWho, kWho, kWho, kYes},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.authorization + " " + row.certificate);
    EXPECT_EQ(Rpc(kList, row.authorization, row.certificate), row.list);
    EXPECT_EQ(Rpc(kPush, row.authorization, row.certificate), row.push);
    const AccessControl::Caller caller{row.authorization, row.certificate};
    EXPECT_EQ(control_->CheckHttp("POST", "/-/reload", caller).outcome, row.reload);
    EXPECT_EQ(control_->CheckHttp("GET", "/-/healthy", caller).outcome, row.health);
  }
}

TEST_F(AccessControlTest, WhatNobodyMayIsDeniedToThoseWhoAreKnownOnly) {
  OpenWithTokens();
  EXPECT_EQ(Rpc("/x/Y", ""), Outcome::kUnknown);
  EXPECT_EQ(Rpc("/x/Y", "Bearer admin-token"), Outcome::kDenied);
}

TEST_F(AccessControlTest, RefusalsSayHowToAskAndAreCounted) {
  OpenWithTokens();
  const auto verdict = control_->CheckRpc(kList, {"Bearer canary-token", ""});
  EXPECT_EQ(verdict.challenge, "Basic realm=\"alertjoin\", Bearer realm=\"alertjoin\"");
  EXPECT_EQ(verdict.message.find("canary"), std::string::npos);
  Rpc(kList, "");
  Rpc(kPush, "Bearer reader-token");
  EXPECT_TRUE(
      HasMetric(R"(alertjoin_access_refused_total{listener="http",reason="wrong_credentials"} 1)"));
  EXPECT_TRUE(
      HasMetric(R"(alertjoin_access_refused_total{listener="http",reason="no_credentials"} 1)"));
  EXPECT_TRUE(
      HasMetric(R"(alertjoin_access_refused_total{listener="http",reason="role_lacks"} 1)"));
}

TEST_F(AccessControlTest, ATokenThatIsTakenAwayOpensNothing) {
  OpenWithTokens();
  ASSERT_EQ(Rpc(kList, "Bearer reader-token"), Outcome::kAllowed);
  Write("tokens", kPusher);
  control_->Look();
  EXPECT_EQ(Rpc(kList, "Bearer reader-token"), Outcome::kUnknown);
  EXPECT_EQ(Rpc(kPush, "Bearer pusher-token"), Outcome::kAllowed);
}

TEST_F(AccessControlTest, WhoMayNotWaitIsToldWhatWasComparedBefore) {
  OpenWithTokens();
  const auto ask = [this](const std::string& authorization) {
    return control_->CheckRpc(kList, {authorization, "", "", /*may_wait=*/false}).outcome;
  };
  const std::string right = Basic("ann:correct horse");
  const std::string wrong = Basic("ann:wrong");
  EXPECT_EQ(ask(right), Outcome::kBusy);
  EXPECT_EQ(ask(wrong), Outcome::kBusy);
  EXPECT_EQ(ask("Bearer reader-token"), Outcome::kAllowed);
  EXPECT_TRUE(
      HasMetric("alertjoin_access_refused_total{listener=\"http\",reason=\"too_many_checks\"} 2"));
  control_->Prepare({right, ""});
  control_->Prepare({wrong, ""});
  EXPECT_FALSE(HasMetric(
      "alertjoin_access_refused_total{listener=\"http\",reason=\"wrong_credentials\"} 1"));
  EXPECT_EQ(ask(right), Outcome::kAllowed);
  EXPECT_EQ(ask(wrong), Outcome::kUnknown);
  EXPECT_TRUE(HasMetric(
      "alertjoin_access_refused_total{listener=\"http\",reason=\"wrong_credentials\"} 1"));
}

TEST_F(AccessControlTest, WhoMightPassIsSaidAtOnceAndNotCounted) {
  OpenWithTokens();
  const auto might = [this](const std::string& authorization) {
    return control_->MayPassHttp("POST", "/webhook/main", {authorization, "", ""});
  };
  EXPECT_TRUE(might("Bearer pusher-token"));
  EXPECT_FALSE(might("Bearer reader-token"));
  EXPECT_FALSE(might("Bearer nobody's"));
  EXPECT_FALSE(might(""));
  // That would take a comparison.
  EXPECT_TRUE(might(Basic("ann:wrong")));
  EXPECT_FALSE(HasMetric("alertjoin_access_refused_total"));
}

TEST_F(AccessControlTest, AnAdmissionHoldsAsLongAsWhatItStandsOn) {
  OpenWithTokens();
  const auto admit = [this](const std::string& authorization, const std::string& certificate) {
    return control_->CheckRpc(kList, {authorization, certificate}).admission;
  };
  const auto by_token = admit("Bearer reader-token", "");
  const auto by_password = admit(Basic("ann:correct horse"), "");
  const auto by_certificate = control_->CheckRpc(kPush, {"", "ingest-1"}).admission;
  for (const auto& admission : {by_token, by_password, by_certificate}) {
    ASSERT_NE(admission, nullptr);
    EXPECT_THAT(admission->Check(), IsOk());
  }
  // A second token of the same identity does not save the first.
  Write("tokens", kAdmin + "reader " + std::string(64, '0') + "\n");
  control_->Look();
  EXPECT_THAT(by_token->Check(), StatusIs(StatusCode::kUnauthenticated, "no longer"));
  EXPECT_THAT(by_password->Check(), IsOk());
  Write("tokens", kReader);
  Write("web.yml", std::string("bearer_tokens_file: tokens\nbasic_auth_users: {ann: ") + kHash +
                       "}\nidentities:\n- {name: reader, roles: [read], filter: team=a}\n"
                       "- {name: ann, roles: [push]}\n");
  control_->Look();
  EXPECT_THAT(by_token->Check(), StatusIs(StatusCode::kPermissionDenied, "has changed"));
  EXPECT_THAT(by_password->Check(), StatusIs(StatusCode::kPermissionDenied, "role"));
  EXPECT_THAT(by_certificate->Check(), StatusIs(StatusCode::kUnauthenticated, ""));
  control_.reset();  // It may outlive the control.
  EXPECT_THAT(by_token->Check(), StatusIs(StatusCode::kPermissionDenied, ""));
}

TEST_F(AccessControlTest, AConnectionIsAsGoodAsTheAuthorityOfItsCertificate) {
  TestAuthority old_authority;
  TestAuthority new_authority;
  const auto pair = old_authority.Issue("server", "IP:127.0.0.1");
  const std::string chain = Read(old_authority.Issue("ingest-1").cert_file);
  const std::string other = Read(new_authority.Issue("ingest-1").cert_file);
  Write("ca.pem", Read(old_authority.ca_file()));
  ASSERT_THAT(
      Open("tls_server_config: {cert_file: " + pair.cert_file + ", key_file: " + pair.key_file +
           ", client_ca_file: ca.pem, "
           "client_auth_type: RequireAndVerifyClientCert}\n"
           "identities: [{name: ingest-1, roles: [push]}]\n"),
      IsOk());
  const auto ask = [this](const std::string& certificates) {
    return control_->CheckRpc(kPush, {"", "ingest-1", certificates});
  };
  const SharedAdmission admission = ask(chain).admission;
  ASSERT_NE(admission, nullptr);
  EXPECT_EQ(ask(other).reason, "certificate_revoked");
  EXPECT_EQ(ask("nonsense").outcome, Outcome::kUnknown);
  // Both, while they are exchanged.
  Write("ca.pem", Read(new_authority.ca_file()) + Read(old_authority.ca_file()));
  control_->Look();
  EXPECT_THAT(admission->Check(), IsOk());
  EXPECT_EQ(ask(chain).outcome, Outcome::kAllowed);
  EXPECT_EQ(ask(other).outcome, Outcome::kAllowed);
  Write("ca.pem", Read(new_authority.ca_file()));
  control_->Look();
  EXPECT_THAT(admission->Check(), StatusIs(StatusCode::kUnauthenticated, "no longer trusted"));
  EXPECT_EQ(ask(chain).outcome, Outcome::kUnknown);
  EXPECT_EQ(ask(other).outcome, Outcome::kAllowed);
  EXPECT_TRUE(HasMetric(
      "alertjoin_access_refused_total{listener=\"http\",reason=\"certificate_revoked\"} 3"));
  // Health is for everyone all the same.
  EXPECT_EQ(control_->CheckRpc("/grpc.health.v1.Health/Check", {"", "", chain}).outcome,
            Outcome::kAllowed);
}

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

TEST_F(AccessControlTest, WhoSeesAPartIsDeniedWhatCannotBeFiltered) {
  Write("tokens", kReader);
  ASSERT_THAT(Open("bearer_tokens_file: tokens\nidentities:\n"
                   "- {name: reader, roles: [read], filter: team=a}\n"),
              IsOk());
  const AccessControl::Caller caller{"Bearer reader-token", ""};
  EXPECT_EQ(control_->CheckRpc(kList, caller).admission->filter(), *ParseMatchers("team=a"));
  const auto verdict = control_->CheckRpc("/alertjoin.v1.CorrelatorService/ListSources", caller);
  EXPECT_EQ(verdict.outcome, Outcome::kDenied);
  EXPECT_NE(verdict.message.find("sees a part"), std::string::npos);
  EXPECT_EQ(control_->CheckHttp("GET", "/metrics", caller).outcome, Outcome::kDenied);
  EXPECT_TRUE(HasMetric("alertjoin_access_refused_total{listener=\"http\",reason=\"filtered\"} 2"));
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
