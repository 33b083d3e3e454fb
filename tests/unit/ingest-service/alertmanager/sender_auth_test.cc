#include "ingest-service/alertmanager/sender_auth.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>

#include <fstream>
#include <string>

#include "common/time/rfc3339.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kTime[] = "1772359200";  // 2026-03-01T10:00:00Z
constexpr char kBody[] = "what do ya want for nothing?";
// With the key "Jefe": of the body (RFC 4231, case 2), and of the time, a colon and the body.
constexpr char kSigned[] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
constexpr char kSignedWithTime[] =
    "38ef6837d412d565cc468592e0a46e660875f18efcaeacceb14e93fdf8db577c";
constexpr char kSignedByOther[] =
    "3cb67a554953a8ea5ad08b943b07e85b44353a63f1b2224c51ac56996a5bac0a";

using Headers = std::map<std::string, std::string>;

class SenderAuthTest : public ::testing::Test {
 protected:
  // The reason why a request with these headers is denied; "" when it is not.
  std::string Denied(const SenderAuthOptions& options, const Headers& headers,
                     const std::string& body = kBody) {
    HttpRequest request;
    request.headers = headers;
    request.body = body;
    const auto denial = SenderAuth(options, clock_).Check(request);
    if (!denial.has_value()) return "";
    code_ = denial->code;
    challenge_ = denial->challenge;
    for (const char* secret : {"Jefe", "sesame", "old"}) {
      EXPECT_THAT(denial->message, Not(HasSubstr(secret)));
    }
    return denial->reason;
  }
  static std::string Basic(const std::string& pair) { return "Basic " + absl::Base64Escape(pair); }
  static SenderAuthOptions Signed(const std::string& timestamp_header = "") {
    HmacOptions hmac;
    hmac.secret.text = Secret("Jefe");
    hmac.timestamp_header = timestamp_header;
    SenderAuthOptions options;
    options.hmac = hmac;
    return options;
  }
  void Write(const std::string& text) { std::ofstream(folder_ / "secret") << text; }

  ManualClock clock_{*ParseRfc3339("2026-03-01T10:00:00Z")};
  const TemporaryFolder folder_;
  int code_ = 0;
  std::string challenge_;
};

TEST_F(SenderAuthTest, WithoutOptionsEveryoneMayPass) {
  EXPECT_EQ(Denied({}, {}), "");
  EXPECT_EQ(Denied({}, {{"authorization", "Bearer x"}}), "");
}

TEST_F(SenderAuthTest, BasicAuth) {
  SenderAuthOptions options;
  options.basic_auth = HttpBasicAuth{"ali", "", {Secret("open sesame"), ""}};
  EXPECT_EQ(Denied(options, {{"authorization", Basic("ali:open sesame")}}), "");
  EXPECT_EQ(Denied(options, {{"authorization", "bAsIc " + Basic("ali:open sesame").substr(6)}}),
            "");
  EXPECT_EQ(Denied(options, {}), "no_credentials");
  EXPECT_EQ(code_, 401);
  EXPECT_EQ(challenge_, "Basic realm=\"alertjoin\"");
  for (const std::string& wrong :
       {Basic("ali:open sesam"), Basic("ali:open sesame "), Basic("bob:open sesame"), Basic("ali:"),
        Basic("ali"), std::string("Basic"), std::string("Basic "),
        std::string("Bearer open sesame"), std::string("open sesame"), std::string(" ")}) {
    EXPECT_EQ(Denied(options, {{"authorization", wrong}}), "wrong_credentials") << wrong;
    EXPECT_EQ(code_, 401);
  }
}

TEST_F(SenderAuthTest, Authorization) {
  SenderAuthOptions options;
  options.authorization = HttpAuthorization{"Bearer", {Secret("open sesame"), ""}};
  EXPECT_EQ(Denied(options, {{"authorization", "Bearer open sesame"}}), "");
  EXPECT_EQ(Denied(options, {{"authorization", "bearer  open sesame"}}), "");
  EXPECT_EQ(Denied(options, {}), "no_credentials");
  EXPECT_EQ(challenge_, "Bearer realm=\"alertjoin\"");
  for (const char* wrong : {"Bearer", "Bearer ", "Bearer open", "Bearer open sesamee",
                            "Basic open sesame", "Bearer Open Sesame"}) {
    EXPECT_EQ(Denied(options, {{"authorization", wrong}}), "wrong_credentials") << wrong;
  }
}

TEST_F(SenderAuthTest, SignatureOfTheBody) {
  EXPECT_EQ(Denied(Signed(), {{"x-grafana-alerting-signature", kSigned}}), "");
  EXPECT_EQ(Denied(Signed(), {{"x-grafana-alert-signature", kSigned}}), "");
  EXPECT_EQ(Denied(Signed(), {}), "no_signature");
  EXPECT_EQ(code_, 403);
  EXPECT_EQ(Denied(Signed(), {{"x-other", kSigned}}), "no_signature");
  EXPECT_EQ(Denied(Signed(), {{"x-grafana-alerting-signature", kSigned}}, "another body"),
            "wrong_signature");
  EXPECT_EQ(code_, 403);
  for (const std::string& wrong :
       {std::string(kSigned).substr(1), std::string(kSigned) + "0", std::string(64, '0'),
        std::string(kSignedByOther), std::string("Jefe")}) {
    EXPECT_EQ(Denied(Signed(), {{"x-grafana-alerting-signature", wrong}}), "wrong_signature");
  }
}

TEST_F(SenderAuthTest, SignatureInAHeaderOfOnesChoice) {
  SenderAuthOptions options = Signed();
  options.hmac->header = "X-Mine";
  EXPECT_EQ(Denied(options, {{"x-mine", kSigned}}), "");
  EXPECT_EQ(Denied(options, {{"x-grafana-alerting-signature", kSigned}}), "no_signature");
}

TEST_F(SenderAuthTest, SignatureWithATimeIsGoodForTheWindow) {
  const SenderAuthOptions options = Signed("X-Time");
  const Headers good = {{"x-grafana-alerting-signature", kSignedWithTime}, {"x-time", kTime}};
  EXPECT_EQ(Denied(options, good), "");
  clock_.Advance(std::chrono::minutes(5));
  EXPECT_EQ(Denied(options, good), "");
  clock_.Advance(Millis(1001));
  EXPECT_EQ(Denied(options, good), "old_timestamp");
  EXPECT_EQ(code_, 403);
}

TEST_F(SenderAuthTest, SignatureOfATimeAheadIsDenied) {
  const SenderAuthOptions options = Signed("X-Time");
  const Headers good = {{"x-grafana-alerting-signature", kSignedWithTime}, {"x-time", kTime}};
  ManualClock early(*ParseRfc3339("2026-03-01T09:54:59.999Z"));
  HttpRequest request;
  request.headers = good;
  request.body = kBody;
  EXPECT_TRUE(SenderAuth(options, early).Check(request).has_value());
  early.Advance(Millis(1));
  EXPECT_FALSE(SenderAuth(options, early).Check(request).has_value());
}

TEST_F(SenderAuthTest, TheTimeIsSignedToo) {
  const SenderAuthOptions options = Signed("X-Time");
  const auto denied = [&](const char* signature, const char* time) {
    return Denied(options, {{"x-grafana-alerting-signature", signature}, {"x-time", time}});
  };
  EXPECT_EQ(denied(kSigned, kTime), "wrong_signature");
  EXPECT_EQ(denied(kSignedByOther, kTime), "wrong_signature");
  EXPECT_EQ(denied(kSignedWithTime, "1772359201"), "wrong_signature");
  EXPECT_EQ(denied(kSignedWithTime, "01772359200"), "wrong_signature");
  EXPECT_EQ(denied(kSignedWithTime, ""), "no_timestamp");
  for (const char* bad : {"now", "-1772359200", "1772359200.5", "99999999999999999999", "0",
                          " 1772359200", "1772359200000"}) {
    EXPECT_EQ(denied(kSignedWithTime, bad), "old_timestamp") << bad;
  }
  EXPECT_EQ(Denied(options, {{"x-grafana-alerting-signature", kSignedWithTime}}), "no_timestamp");
}

TEST_F(SenderAuthTest, AllThatIsConfiguredMustHold) {
  SenderAuthOptions options = Signed();
  options.authorization = HttpAuthorization{"Bearer", {Secret("open sesame"), ""}};
  const Headers both = {{"authorization", "Bearer open sesame"},
                        {"x-grafana-alerting-signature", kSigned}};
  EXPECT_EQ(Denied(options, both), "");
  for (const auto& [name, value] : both) {
    EXPECT_NE(Denied(options, {{name, value}}), "") << name;
  }
}

TEST_F(SenderAuthTest, FilesAreReadAgain) {
  SenderAuthOptions options;
  options.authorization = HttpAuthorization{"Bearer", {Secret(), folder_ / "secret"}};
  const Headers old_token = {{"authorization", "Bearer old"}};
  EXPECT_EQ(Denied(options, old_token), "secret_not_readable");
  EXPECT_EQ(code_, 503);
  Write("old\n");
  EXPECT_EQ(Denied(options, old_token), "");
  Write("new\n");
  EXPECT_EQ(Denied(options, old_token), "wrong_credentials");
  EXPECT_EQ(Denied(options, {{"authorization", "Bearer new"}}), "");
  // An empty secret is none, and lets nobody in.
  Write("\n");
  EXPECT_EQ(Denied(options, {{"authorization", "Bearer "}}), "secret_not_readable");
}

}  // namespace
}  // namespace alertjoin
