#include "ingest-service/alertmanager/sender_auth_config.h"

#include <gmock/gmock.h>

#include <string>

#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using testing::Not;

absl::StatusOr<SenderAuthOptions> Read(const std::string& text) {
  YamlDocument document(text, "ingest.yml");
  YamlNode root = document.root();
  SenderAuthOptions options = ReadSenderAuth(root);
  root.Finish();
  if (!document.status().ok()) return document.status();
  return options;
}

TEST(SenderAuthConfig, NothingIsNothing) {
  const auto options = Read("{}");
  ASSERT_THAT(options, IsOk());
  EXPECT_FALSE(options->basic_auth.has_value());
  EXPECT_FALSE(options->authorization.has_value());
  EXPECT_FALSE(options->hmac.has_value());
}

TEST(SenderAuthConfig, ReadsEveryKey) {
  const auto basic = Read("basic_auth: {username: ali, password_file: /run/password}");
  ASSERT_THAT(basic, IsOk());
  EXPECT_EQ(basic->basic_auth->username, "ali");
  EXPECT_EQ(basic->basic_auth->password.file, "/run/password");
  const auto options = Read(
      "authorization: {credentials: token}\n"
      "hmac: {secret: key, header: X-A, timestamp_header: X-B, window: 1m}");
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->authorization->type, "Bearer");
  EXPECT_EQ(options->authorization->credentials.text.Reveal(), "token");
  EXPECT_EQ(options->hmac->secret.text.Reveal(), "key");
  EXPECT_EQ(options->hmac->header, "X-A");
  EXPECT_EQ(options->hmac->timestamp_header, "X-B");
  EXPECT_EQ(options->hmac->window, Millis(60'000));
  EXPECT_EQ(Read("hmac: {secret_file: /run/key}")->hmac->secret.file, "/run/key");
}

TEST(SenderAuthConfig, FaultsSayWhereAndShowNoSecret) {
  const struct {
    const char* text;
    const char* fault;
  } cases[] = {
      {"basic_auth: {username: ali}", "1:13: basic_auth of an alert source needs"},
      {"basic_auth: {password: hidden}", "needs a user name and a password"},
      {"basic_auth: {username: a, password: hidden}\nauthorization: {credentials: hidden}",
       "2:16: give basic_auth or authorization, not both"},
      {"authorization: {}", "needs credentials or credentials_file"},
      {"hmac: {header: X-A}", "1:7: hmac needs secret or secret_file"},
      {"hmac: {secret: hidden, secret_file: f}", "give secret or secret_file, not both"},
      {"hmac: {secret: hidden, header: 'X A'}", "expected the name of a header"},
      {"hmac: {secret: hidden, window: 1m}", "window needs a timestamp_header"},
      {"hmac: {secret: hidden, key: x}", "unknown key \"key\""},
  };
  for (const auto& c : cases) {
    const auto options = Read(c.text);
    EXPECT_THAT(options, StatusIs(absl::StatusCode::kInvalidArgument, c.fault)) << c.text;
    EXPECT_THAT(MessageOf(options.status()), Not(HasSubstr("hidden")));
  }
}

}  // namespace
}  // namespace alertjoin
