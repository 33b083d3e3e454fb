// Large notifications go one after the other, and nobody else waits for them.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/webhook/webhook_fixture.h"

namespace alertjoin {
namespace {

constexpr size_t kLargeAlerts = 2'000;
constexpr size_t kWaitingMax = 16;  // Of one source, beside the one whose turn it is.

std::string LargeRequest(const std::string& path, const std::string& name, bool posted = false) {
  std::string alerts;
  for (size_t i = 0; i < kLargeAlerts; ++i) {
    alerts += (i > 0 ? "," : "") + FiringAlert(fmt::format("{}{}", name, i));
  }
  return PostRequest(path, posted ? "[" + alerts + "]" : NotificationOf(alerts));
}

// A first large notification of "main", "Stuck", has its turn as long as the test likes.
class LargeWebhookTest : public WebhookFixture {
 protected:
  void SetUp() override {
    Start({});
    listener_.on_told = [this](std::span<const TransitionEvent> told) {
      if (!told[0].labels.Get("alertname").starts_with("Stuck")) return;
      std::call_once(stuck_, [this] {
        has_turn_.set_value();
        may_end_.get_future().wait();
      });
    };
    first_ = Send(LargeRequest("/webhook/main", "Stuck"));
    has_turn_.get_future().wait();
  }
  // Before the server is stopped.
  void Release() {
    may_end_.set_value();
    EXPECT_EQ(first_.get().status, 200);
  }

  std::future<RawHttpResponse> Send(std::string request) {
    return std::async(std::launch::async,
                      [this, request = std::move(request)] { return Ask(request); });
  }
  void WaitForRefusals(const char* count) {
    const std::string series = R"(alertjoin_webhook_refused_total{reason="too_many_large"})";
    while (Metric(series) != count) std::this_thread::yield();
  }

 private:
  std::once_flag stuck_;
  std::promise<void> has_turn_;
  std::promise<void> may_end_;
  std::future<RawHttpResponse> first_;
};

TEST_F(LargeWebhookTest, SmallOnesAreTakenMeanwhile) {
  auto second = Send(LargeRequest("/webhook/second", "B", /*posted=*/true));
  for (const char* path : {"/webhook/main", "/webhook/second"}) {
    EXPECT_EQ(Ask(PostRequest(path, NotificationOf(FiringAlert("Small")))).status, 200);
  }
  EXPECT_EQ(second.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  Release();
  EXPECT_EQ(second.get().status, 200);
  const auto taken = TakeTransitions();
  EXPECT_EQ(taken.size(), 2 * kLargeAlerts + 2);
  EXPECT_EQ(raw_payloads_.size(), 4u);
}

TEST_F(LargeWebhookTest, TooManyOfOneSourceAreRefusedAtOnceAndCounted) {
  const std::string request = LargeRequest("/webhook/main", "A");
  std::vector<std::future<RawHttpResponse>> answers;
  for (size_t i = 0; i < kWaitingMax + 2; ++i) answers.push_back(Send(request));
  WaitForRefusals("2");
  auto other = Send(LargeRequest("/webhook/second", "B"));
  Release();
  size_t refused = 0;
  for (auto& answer : answers) {
    const RawHttpResponse response = answer.get();
    if (response.status == 200) continue;
    ++refused;
    EXPECT_EQ(response.status, 503);
    EXPECT_THAT(response.body, testing::HasSubstr("too many requests of more than 262144 bytes"));
    EXPECT_EQ(response.headers.at("retry-after"), "5");
  }
  EXPECT_EQ(refused, 2u);
  EXPECT_EQ(other.get().status, 200);
  // Each is in the spool once for each time that it was answered 200.
  EXPECT_EQ(TakeTransitions().size(), (1 + kWaitingMax + 1) * kLargeAlerts);
  EXPECT_EQ(Ask(request).status, 200);
}

TEST_F(LargeWebhookTest, AStopWaitsForNoneThatWaits) {
  std::vector<std::future<RawHttpResponse>> answers;
  for (int i = 0; i < 3; ++i) answers.push_back(Send(LargeRequest("/webhook/main", "A")));
  auto other = Send(LargeRequest("/webhook/second", "B"));
  // Those that came before it, and those after.
  webhook_->RefuseLarge();
  for (auto& answer : answers) EXPECT_EQ(answer.get().status, 503);
  EXPECT_EQ(other.get().status, 503);
  EXPECT_EQ(Ask(PostRequest("/webhook/main", NotificationOf(FiringAlert("Small")))).status, 200);
  Release();
  EXPECT_EQ(TakeTransitions().size(), kLargeAlerts + 1);
}

TEST_F(LargeWebhookTest, OneWithAFaultIsRefusedInItsTurn) {
  std::string request = LargeRequest("/webhook/second", "B");
  request.replace(request.rfind("firing"), 6, "fuming");
  auto faulty = Send(request);
  Release();
  EXPECT_EQ(faulty.get().status, 400);
  EXPECT_EQ(TakeTransitions().size(), 2 * kLargeAlerts - 1);
  ExpectNextIsTaken();
}

}  // namespace
}  // namespace alertjoin
