// Health and metrics have threads of their own: whatever all the others wait for, they are told.

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/net/admin_endpoints.h"
#include "tests/integration/http/http_fixture.h"

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

constexpr size_t kThreads = 3;

class HttpUrgentTest : public testing::Test {
 protected:
  HttpUrgentTest() {
    HttpServerOptions options;
    options.threads = kThreads;
    options.timeouts.idle = 1h;
    options.overload_observer = CountHttpOverload(registry_);
    server_ = std::make_unique<HttpServer>(std::move(options));
    AddAdminEndpoints(*server_, registry_, [] { return absl::OkStatus(); });
    const auto wait = [this](const HttpRequest&) {
      {
        MutexLock lock(mutex_);
        ++waiting_;
        changed_.NotifyAll();
      }
      release_.Wait();
      return Text("waited\n");
    };
    server_->Handle("POST", "/wait", wait);
    server_->HandleUrgent("/urgent-wait", wait);
    server_->Handle("GET", "/hello", [](const HttpRequest&) { return Text("hello\n"); });
    EXPECT_THAT(server_->Start(), IsOk());
  }
  ~HttpUrgentTest() override {
    release_.Open();
    server_->Stop();
  }

  // That many requests, each in a handler that does not return before the release.
  void Hold(const std::string& request, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      held_.push_back(std::make_unique<RawHttpClient>(server_->port()));
      ASSERT_TRUE(held_.back()->Send(request));
    }
    MutexLock lock(mutex_);
    while (waiting_ < held_.size()) changed_.Wait(mutex_);
  }
  void HoldEveryThread() { Hold(PostRequest("/wait", "x"), kThreads); }
  void Release() {
    release_.Open();
    for (const auto& client : held_) EXPECT_EQ(client->Receive()->body, "waited\n");
  }
  int StatusOf(RawHttpClient& client, const std::string& request) {
    return client.Ask(request).value_or(RawHttpResponse()).status;
  }

  prometheus::Registry registry_;
  Mutex mutex_;
  CondVar changed_;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
  Gate release_;
  std::unique_ptr<HttpServer> server_;
  std::vector<std::unique_ptr<RawHttpClient>> held_;
};

TEST_F(HttpUrgentTest, HealthIsToldWhileEveryThreadWaits) {
  HoldEveryThread();
  RawHttpClient behind(server_->port());
  ASSERT_TRUE(behind.Send(GetRequest("/hello")));
  RawHttpClient kept(server_->port());
  for (const char* path : {"/-/healthy", "/-/ready?verbose=1", "/metrics"}) {
    EXPECT_EQ(StatusOf(kept, GetRequest(path)), 200) << path;
    RawHttpClient client(server_->port());
    EXPECT_EQ(StatusOf(client, GetRequest(path)), 200) << path;
  }
  ASSERT_TRUE(kept.Send("HEAD /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(kept.Receive(/*after_head=*/true)->status, 200);
  EXPECT_FALSE(behind.IsReadable());
  Release();
  EXPECT_EQ(behind.Receive()->body, "hello\n");
}

TEST_F(HttpUrgentTest, AConnectionMayAskForBothKinds) {
  RawHttpClient client(server_->port());
  const std::string healthy = GetRequest("/-/healthy");
  const std::string hello = GetRequest("/hello");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(client.Ask(hello)->body, "hello\n");
    ASSERT_EQ(client.Ask(healthy)->body, "healthy\n");
  }
  ASSERT_TRUE(client.Send(healthy + hello + hello + healthy + healthy + hello));
  for (const char* expected :
       {"healthy\n", "hello\n", "hello\n", "healthy\n", "healthy\n", "hello\n"}) {
    ASSERT_EQ(client.Receive()->body, expected);
  }

  // Urgent threads serve nothing else.
  HoldEveryThread();
  ASSERT_TRUE(client.Send(healthy + hello));
  EXPECT_EQ(client.Receive()->body, "healthy\n");
  RawHttpClient other(server_->port());
  EXPECT_EQ(StatusOf(other, healthy), 200);
  EXPECT_FALSE(client.IsReadable());
  Release();
  EXPECT_EQ(client.Receive()->body, "hello\n");
}

TEST_F(HttpUrgentTest, UrgentOnesThatTakeLongKeepNobodyWaiting) {
  Hold(GetRequest("/urgent-wait"), kHttpUrgentThreads);
  RawHttpClient client(server_->port());
  EXPECT_EQ(StatusOf(client, GetRequest("/hello")), 200);
  EXPECT_EQ(StatusOf(client, GetRequest("/-/healthy")), 200);
  Release();
}

TEST_F(HttpUrgentTest, TooManyThatWaitAreRefused) {
  HoldEveryThread();
  Hold(GetRequest("/urgent-wait"), kHttpUrgentThreads);
  std::vector<std::unique_ptr<RawHttpClient>> clients;
  for (size_t i = 0; i <= kHttpUrgentWaitingMax; ++i) {
    clients.push_back(std::make_unique<RawHttpClient>(server_->port()));
    ASSERT_TRUE(clients.back()->Send(GetRequest("/-/healthy")));
  }
  const auto readable = [](const auto& client) { return client->IsReadable(); };
  while (std::ranges::none_of(clients, readable)) std::this_thread::yield();
  size_t refused = 0;
  Release();
  for (const auto& client : clients) {
    const auto response = client->Receive();
    ASSERT_TRUE(response.has_value());
    if (response->status == 200) continue;
    EXPECT_EQ(response->status, 503);
    EXPECT_EQ(response->body, "too many requests wait\n");
    ++refused;
  }
  EXPECT_EQ(refused, 1);
  RawHttpClient client(server_->port());
  const std::string metrics = client.Ask(GetRequest("/metrics"))->body;
  const std::string name = "\nalertjoin_http_overload_refused_total";
  EXPECT_NE(metrics.find(name + "{reason=\"waiting\"} 1\n"), metrics.npos) << metrics;
  // There before it is first counted, so that the first one is seen as an increase.
  EXPECT_NE(metrics.find(name + "{reason=\"connections\"} 0\n"), metrics.npos) << metrics;
}

}  // namespace
}  // namespace alertjoin
