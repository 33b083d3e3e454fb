#pragma once

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/metric_families.h"
#include "common/net/http_metrics.h"
#include "common/net/http_server.h"
#include "common/sync/mutex.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

inline HttpResponse Text(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

// A one-time gate between a handler and the test.
class Gate {
 public:
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Wait() {
    MutexLock lock(mutex_);
    while (!open_) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ GUARDED_BY(mutex_) = false;
};

// A server on a free port with a few handlers, observed.
class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpServerOptions options = {}) {
    options.observer = [this](const std::string& method, const std::string& pattern, int status,
                              std::chrono::duration<double>) {
      MutexLock lock(mutex_);
      observed_.push_back(method + " " + pattern + " " + std::to_string(status));
    };
    options.overload_observer = CountHttpOverload(registry_);
    server_ = std::make_unique<HttpServer>(std::move(options));
    server_->Handle("GET", "/hello", [](const HttpRequest&) { return Text("hello\n"); });
    server_->Handle("POST", "/echo(?:/([^/]+))?", [](const HttpRequest& request) {
      std::string answer = request.path_parts.at(0) + "|" + request.body;
      for (const auto& [name, value] : request.parameters) answer += "|" + name + "=" + value;
      return Text(answer);
    });
    server_->Handle("PUT", "/echo", [](const HttpRequest&) { return HttpResponse(); });
    server_->Handle("POST", "/empty", [](const HttpRequest&) { return HttpResponse(); });
    server_->Handle("GET", "/header", [](const HttpRequest& request) {
      const auto found = request.headers.find("x-test");
      return Text(found == request.headers.end() ? "none" : found->second);
    });
    server_->Handle("GET", "/throw", [](const HttpRequest&) -> HttpResponse {
      throw std::runtime_error("handler fault");
    });
    server_->Handle("POST", "/throw", [](const HttpRequest&) -> HttpResponse {
      throw std::runtime_error("handler fault");
    });
    for (const char* method : {"GET", "POST"}) {
      server_->Handle(method, "/wait", [this](const HttpRequest&) {
        entered_.Open();
        release_.Wait();
        return Text("waited\n");
      });
    }
    ASSERT_THAT(server_->Start(), IsOk());
  }
  RawHttpClient Connect() { return RawHttpClient(server_->port()); }

  // What one request on a connection of its own is answered.
  RawHttpResponse Ask(std::string_view request) {
    RawHttpClient client = Connect();
    return client.Ask(request).value_or(RawHttpResponse());
  }
  void ExpectHello() {
    const RawHttpResponse response = Ask(GetRequest("/hello"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello\n");
  }
  std::vector<std::string> Observed() {
    MutexLock lock(mutex_);
    return observed_;
  }

  // How many were refused for this reason of CountHttpOverload.
  double Overloads(const std::string& reason) {
    return CounterFamily(registry_, kOverloads, "").Add({{"reason", reason}}).Value();
  }

  static constexpr char kOverloads[] = "alertjoin_http_overload_refused_total";
  prometheus::Registry registry_;
  Mutex mutex_;
  std::vector<std::string> observed_ GUARDED_BY(mutex_);
  Gate entered_;
  Gate release_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace alertjoin
