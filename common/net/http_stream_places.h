#pragma once

#include <algorithm>
#include <atomic>
#include <memory>

#include "common/net/http_connection.h"
#include "common/net/http_server.h"
#include "common/sync/worker_pool.h"

namespace alertjoin {

// The threads of streamed answers, one for each of a fixed number of places. Thread-safe.
class HttpStreamPlaces {
 public:
  // Holds a place until it is destroyed. Must not outlive the places.
  using Place = std::shared_ptr<void>;

  explicit HttpStreamPlaces(size_t places_max)
      : places_max_(places_max),
        threads_("http-stream", places_max, std::max<size_t>(places_max, 1)) {}

  // Null when none is free.
  Place Take();
  // Has the body sent by `streamer` on a thread of the place, behind a head that was sent already,
  // and closes the connection then.
  void Run(Place place, std::shared_ptr<HttpConnection> connection, HttpStreamer streamer,
           bool chunked);
  // Waits for those that run, and takes no more. Idempotent.
  void Stop() { threads_.Stop(); }

 private:
  const size_t places_max_;
  std::atomic<size_t> taken_{0};
  WorkerPool threads_;
};

}  // namespace alertjoin
