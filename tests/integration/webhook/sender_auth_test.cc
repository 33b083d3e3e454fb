// Who may send to a source, over HTTP.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/integration/webhook/webhook_fixture.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kToken[] = "main-token";
constexpr char kOtherToken[] = "second-token";
// As Grafana 12 sends it but for its length.
constexpr char kGrafana[] =
    R"({"receiver":"join","status":"firing","orgId":1,"version":"1","state":"alerting",)"
    R"("alerts":[{"status":"firing","labels":{"alertname":"High"},"annotations":{},)"
    R"("startsAt":"2026-03-01T12:00:00+01:00","endsAt":"0001-01-01T00:00:00Z",)"
    R"("fingerprint":"57c1b3ab00112233","values":{"A":12.5},"valueString":"[ value=12.5 ]"}]})";
// HMAC-SHA256 of it with the key "key".
constexpr char kSignature[] = "ee4bd148fa262833b34c75933d4e339dfb133b0fe706d591d1d157c18f3bcd67";

SenderAuthOptions Bearer(const char* token) {
  SenderAuthOptions auth;
  auth.authorization = HttpAuthorization{"Bearer", {Secret(token), ""}};
  return auth;
}

class WebhookAuthTest : public WebhookFixture {
 protected:
  std::string Alerts() { return NotificationOf(FiringAlert("A")); }
};

TEST_F(WebhookAuthTest, OnlyTheRightSecretIsTaken) {
  Setup setup;
  setup.auth["main"] = Bearer(kToken);
  setup.auth["second"] = Bearer(kOtherToken);
  Start(setup);
  const std::vector<std::string> wrong = {
      "",
      "Authorization: Bearer wrong\r\n",
      "Authorization: Basic bWFpbi10b2tlbg==\r\n",
      std::string("Authorization: Bearer ") + kOtherToken + "\r\n",
      std::string("Authorization: Bearer ") + kToken + ", Bearer x\r\n",
      std::string("X-Authorization: Bearer ") + kToken + "\r\n",
  };
  for (const std::string& headers : wrong) {
    for (const char* path : {"/", "/webhook", "/webhook/main", "/api/v2/alerts", "/api/v1/alerts",
                             "/prometheus/main/api/v2/alerts"}) {
      for (const std::string& body : {Alerts(), std::string("[]"), std::string("{")}) {
        const RawHttpResponse response = Ask(PostRequest(path, body, headers));
        EXPECT_EQ(response.status, 401) << path << " " << headers;
        EXPECT_EQ(response.headers.at("www-authenticate"), "Bearer realm=\"alertjoin\"");
        EXPECT_THAT(response.body, Not(HasSubstr("token")));
      }
    }
  }
  EXPECT_THAT(TakeTransitions(), IsEmpty());
  // What nobody vouches for is not kept either.
  EXPECT_THAT(DeadLetterFiles(), IsEmpty());
  EXPECT_EQ(Metric(R"(alertjoin_webhook_denied_total{reason="no_credentials",source="main"})"),
            "36");
  EXPECT_EQ(Metric(R"(alertjoin_webhook_denied_total{reason="wrong_credentials",source="main"})"),
            "72");
  const std::string right = std::string("Authorization: Bearer ") + kToken + "\r\n";
  EXPECT_EQ(Ask(PostRequest("/", Alerts(), right)).status, 200);
  EXPECT_EQ(Ask(PostRequest("/webhook/second", Alerts(), right)).status, 401);
  EXPECT_EQ(TakeTransitions().size(), 1u);
}

TEST_F(WebhookAuthTest, SignedNotificationOfGrafana) {
  Setup setup;
  HmacOptions hmac;
  hmac.secret.text = Secret("key");
  setup.auth["main"].hmac = hmac;
  Start(setup);
  const std::string header = std::string("X-Grafana-Alerting-Signature: ") + kSignature + "\r\n";
  EXPECT_EQ(Ask(PostRequest("/", kGrafana)).status, 403);
  EXPECT_EQ(Ask(PostRequest("/", std::string(kGrafana) + " ", header)).status, 403);
  EXPECT_THAT(TakeTransitions(), IsEmpty());
  for (const char* method : {"POST", "PUT"}) {
    const std::string request = method + PostRequest("/", kGrafana, header).substr(4);
    EXPECT_EQ(Ask(request).status, 200) << method;
    const auto taken = TakeTransitions();
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0].origin, Origin::kGrafanaWebhook);
    EXPECT_EQ(taken[0].fingerprint, "57c1b3ab00112233");
    EXPECT_EQ(taken[0].reported_values.at(0).second, 12.5);
  }
}

}  // namespace
}  // namespace alertjoin
