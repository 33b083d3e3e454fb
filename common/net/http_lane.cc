#include "common/net/http_lane.h"

#include <exception>
#include <utility>

#include "common/log/log.h"
#include "common/status/status.h"
#include "common/sync/thread.h"
#include "common/sync/thread_priority.h"

namespace alertjoin {

HttpLane::HttpLane(const char* name, size_t threads, size_t waiting_max, Serve serve)
    : name_(name), threads_max_(threads), serve_(std::move(serve)), waiting_(waiting_max) {
  CHECK(threads > 0);
}

void HttpLane::Start() {
  for (size_t i = 0; i < threads_max_; ++i) {
    threads_.push_back(StartThread(name_, [this] { Run(); }));
  }
}

void HttpLane::Stop() {
  waiting_.Close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool HttpLane::TryPush(std::unique_ptr<HttpConnection>&& connection) {
  ++here_;
  if (waiting_.TryPush(std::move(connection))) return true;
  --here_;
  return false;
}

void HttpLane::Run() {
  WantShortTurns();
  while (true) {
    auto connections = waiting_.PopUpTo(1);
    if (connections.empty()) return;
    try {
      serve_(std::move(connections.front()));
    } catch (const std::exception& error) {
      LogError("connection dropped", {{"error", error.what()}});
    }
    --here_;
  }
}

}  // namespace alertjoin
