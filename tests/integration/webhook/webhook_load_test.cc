// How long senders of notifications wait while others hold connections: 64 that say nothing, 8 that
// send a byte of a notification now and then.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/integration/webhook/webhook_fixture.h"

namespace alertjoin {
namespace {

constexpr int kCalls = 300;
constexpr int kIdle = 64;
constexpr size_t kSlow = 8;
// The promise is 100 ms. A test shares the machine with others.
constexpr double kWaitMaxSeconds = 0.25;

class WebhookLoadTest : public WebhookFixture {
 protected:
  double SecondsOf(const std::string& request) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(Ask(request).status, 200);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  static double Percentile99(std::vector<double> seconds) {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() * 99 / 100];
  }
};

TEST_F(WebhookLoadTest, IdleAndSlowClientsKeepNoSenderWaiting) {
  Start({});
  std::atomic<bool> done{false};
  // Idle ones are ended after two seconds, and come again.
  std::thread idle([&] {
    while (!done) {
      std::vector<std::unique_ptr<RawHttpClient>> connections;
      for (int i = 0; i < kIdle; ++i) {
        connections.push_back(std::make_unique<RawHttpClient>(server_->port()));
      }
      for (auto& connection : connections) {
        if (!done) connection->ServerCloses();
      }
    }
  });
  const std::string notification = NotificationOf(FiringAlert("Slow"));
  const std::string slow_request = PostRequest("/webhook", notification);
  std::vector<std::unique_ptr<RawHttpClient>> slow;
  for (size_t i = 0; i < kSlow; ++i) {
    slow.push_back(std::make_unique<RawHttpClient>(server_->port()));
    // All of the head, and the begin of the body.
    const size_t begun = slow_request.size() - notification.size() + i;
    EXPECT_TRUE(slow.back()->Send(slow_request.substr(0, begun)));
  }
  std::vector<double> webhook;
  std::vector<double> health;
  for (int i = 0; i < kCalls; ++i) {
    for (auto& client : slow) client->Send(" ");
    webhook.push_back(
        SecondsOf(PostRequest("/webhook", NotificationOf(FiringAlert(fmt::format("A{}", i))))));
    health.push_back(SecondsOf(GetRequest("/-/healthy")));
  }
  done = true;
  idle.join();
  fmt::print("p99: webhook {:.1f} ms, health {:.1f} ms\n", Percentile99(webhook) * 1e3,
             Percentile99(health) * 1e3);
  EXPECT_LT(Percentile99(webhook), kWaitMaxSeconds);
  EXPECT_LT(Percentile99(health), kWaitMaxSeconds);
}

}  // namespace
}  // namespace alertjoin
