// How long senders of notifications wait while others hold connections: 64 that say nothing, 8 that
// send a byte of a notification now and then.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/integration/webhook/webhook_fixture.h"
#include "tests/support/http_crowd.h"

namespace alertjoin {
namespace {

constexpr int kCalls = 300;
constexpr size_t kIdle = 64;
constexpr size_t kSlow = 8;

// The same, for nobody else.
class QuietWebhook final : public WebhookFixture {
 public:
  QuietWebhook() { Start({}); }
  ~QuietWebhook() override { TearDown(); }
  using WebhookFixture::Ask;

 private:
  void TestBody() override {}
};

using WebhookLoadTest = WebhookFixture;

TEST_F(WebhookLoadTest, IdleAndSlowClientsKeepNoSenderWaiting) {
  Start({});
  QuietWebhook quiet;
  const IdleClients idle(server_->port(), kIdle);
  // All of the head, and the first byte of the body.
  const std::string notification = NotificationOf(FiringAlert("Slow"));
  const std::string request = PostRequest("/webhook", notification);
  SlowClients slow(server_->port(), kSlow,
                   request.substr(0, request.size() - notification.size() + 1));
  WaitTimes webhook;
  WaitTimes health;
  const std::string health_request = GetRequest("/-/healthy");
  for (int i = 0; i < kCalls; ++i) {
    slow.Go();
    const std::string sent =
        PostRequest("/webhook", NotificationOf(FiringAlert(fmt::format("A{}", i))));
    webhook.Measure([&] { return Ask(sent).status; }, [&] { return quiet.Ask(sent).status; });
    health.Measure([&] { return Ask(health_request).status; },
                   [&] { return quiet.Ask(health_request).status; });
  }
  webhook.ExpectNobodyWaits("webhook");
  health.ExpectNobodyWaits("health");
}

}  // namespace
}  // namespace alertjoin
