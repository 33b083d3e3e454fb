// Who may do what.

#include <gtest/gtest.h>

#include "tests/unit/common/access/access_control_fixture.h"

namespace alertjoin {
namespace {

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

}  // namespace
}  // namespace alertjoin
