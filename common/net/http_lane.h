#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/net/http_connection.h"
#include "common/sync/bounded_queue.h"

namespace alertjoin {

// Threads of their own for one kind of requests, and the bounded queue before them. Thread-safe but
// for Start and Stop.
class HttpLane {
 public:
  // Serves what a connection asks; runs on several threads at once.
  using Serve = std::function<void(std::unique_ptr<HttpConnection>)>;

  // `name`: of its threads, as StartThread has it.
  HttpLane(const char* name, size_t threads, size_t waiting_max, Serve serve);
  ~HttpLane() { Stop(); }
  HttpLane(const HttpLane&) = delete;
  HttpLane& operator=(const HttpLane&) = delete;

  void Start();
  // Takes no more, serves what waits, ends the threads. Idempotent.
  void Stop();

  // False, and nothing moved from, when too many wait or it was stopped.
  bool TryPush(std::unique_ptr<HttpConnection>&& connection);

  // Whether one that comes now would be served at once.
  bool HasFreeThread() const { return here_ < threads_max_; }
  // True when connections wait for which no thread is free.
  bool Crowded() const { return here_ > threads_max_; }

 private:
  void Run();

  const char* const name_;
  const size_t threads_max_;
  const Serve serve_;
  BoundedQueue<std::unique_ptr<HttpConnection>> waiting_;
  std::atomic<size_t> here_{0};  // That wait or are served.
  std::vector<std::thread> threads_;
};

}  // namespace alertjoin
