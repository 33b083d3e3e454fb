// What becomes of bodies that the webhook answers with 400.

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "common/time/rfc3339.h"
#include "tests/integration/webhook/webhook_fixture.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class WebhookDeadLetterTest : public WebhookFixture {};

TEST_F(WebhookDeadLetterTest, BodyThatCanNeverBeTakenIsKept) {
  Start({});
  const RawHttpResponse response = Ask(PostRequest("/webhook/second", "{\"alerts\": "));
  EXPECT_EQ(response.status, 400);
  const auto letters = DeadLetterFiles();
  ASSERT_THAT(letters, SizeIs(1));
  const auto& letter = letters[0];
  EXPECT_THAT(ParseRfc3339(letter["time"].get<std::string>()), IsOk());
  EXPECT_EQ(letter["source"], "second");
  EXPECT_EQ(letter["path"], "/webhook/second");
  EXPECT_EQ(letter["remote_address"], "127.0.0.1");
  EXPECT_THAT(letter["content_type"].get<std::string>(), HasSubstr("application/json"));
  EXPECT_EQ(letter["reason"], "not_json");
  EXPECT_EQ(letter["message"].get<std::string>() + "\n", response.body);
  EXPECT_EQ(letter["body"], "{\"alerts\": ");
  EXPECT_EQ(Metric("alertjoin_dead_letters"), "1");
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), "1");
  EXPECT_THAT(TakeTransitions(), IsEmpty());
}

TEST_F(WebhookDeadLetterTest, EveryKindOfBodyThatIs400IsKept) {
  Start({});
  const std::string faulty = FiringAlert("A", R"("startsAt":"soon")");
  const std::string grafana = R"({"orgId":1,"state":"alerting","alerts":[)" + faulty + "]}";
  for (const std::string& body : {std::string(), std::string("[[]]"), std::string("\xff\xfe"),
                                  NotificationOf(faulty), grafana, std::string(100'000, '[')}) {
    EXPECT_EQ(Ask(PostRequest("/", body)).status, 400);
    const auto letters = DeadLetterFiles();
    EXPECT_EQ(letters.back()["body_bytes"], body.size());
  }
  EXPECT_THAT(DeadLetterFiles(), SizeIs(6));
}

TEST_F(WebhookDeadLetterTest, OtherRefusalsAreNoDeadLetters) {
  Setup setup;
  setup.spool_bytes_max = 100;
  Start(setup);
  uplink_->SetSilent(true);
  EXPECT_EQ(Ask(PostRequest("/", NotificationOf(FiringAlert("A")))).status, 503);
  EXPECT_EQ(Ask(PostRequest("/webhook/nope", "{")).status, 404);
  EXPECT_EQ(Ask("POST / HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 1\r\n\r\n{").status,
            415);
  EXPECT_EQ(Ask(PostRequest("/", std::string((1 << 20) + 1, ' '))).status, 413);
  EXPECT_THAT(DeadLetterFiles(), IsEmpty());
}

TEST_F(WebhookDeadLetterTest, TheOldestGoBeyondTheCount) {
  Setup setup;
  setup.dead_letters_max = 3;
  Start(setup);
  for (const char* body : {"1", "2", "3", "4", "5"}) Ask(PostRequest("/", body));
  const auto letters = DeadLetterFiles();
  ASSERT_THAT(letters, SizeIs(3));
  EXPECT_EQ(letters[0]["body"], "3");
  EXPECT_EQ(letters[2]["body"], "5");
  EXPECT_EQ(Metric("alertjoin_dead_letters"), "3");
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), "5");
}

TEST_F(WebhookDeadLetterTest, FailureToKeepOneChangesNoAnswer) {
  Start({});
  std::filesystem::remove_all(dead_letter_folder());
  const RawHttpResponse response = Ask(PostRequest("/", "{"));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("not JSON"));
  EXPECT_EQ(Metric("alertjoin_dead_letter_failures_total"), "1");
  EXPECT_EQ(Metric("alertjoin_dead_letters_total"), "0");
  ExpectNextIsTaken();
}

}  // namespace
}  // namespace alertjoin
