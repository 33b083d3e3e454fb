#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "common/sync/mutex.h"
#include "ingest-service/prometheus/http_transport.h"

namespace alertjoin {

struct CurlHttpTransportOptions {
  // Calls of one lane that run at the same time, and that have not begun yet.
  size_t in_flight_per_lane_max = 16;
  size_t queued_per_lane_max = 1024;
  size_t body_bytes_max = 64 << 20;  // Unless a call has a limit of its own.
  Millis connect_timeout = std::chrono::seconds(5);
};

// An HttpTransport over libcurl: one thread drives all calls. Only http and https; no redirect is
// followed; connections are kept and used again. Certificates are verified unless a call says not.
class CurlHttpTransport final : public HttpTransport {
 public:
  explicit CurlHttpTransport(CurlHttpTransportOptions options = {});
  ~CurlHttpTransport() override;  // Stops.

  void Start(HttpCall call, Done done) override EXCLUDES_LOCK(mutex_);

  // Ends every call with CANCELLED, before it returns, and refuses all later ones. Idempotent.
  void Stop() EXCLUDES_LOCK(mutex_);

 private:
  class Transfer;
  struct CurlHandles;
  using Deadline = std::chrono::steady_clock::time_point;
  struct Waiting {
    HttpCall call;
    Done done;
    Deadline deadline;
  };
  struct Lane {
    std::deque<Waiting> queue;
    size_t in_flight = 0;
  };

  // Moves from both, unless it refuses.
  absl::Status TryQueue(HttpCall& call, Done& done) EXCLUDES_LOCK(mutex_);
  void Run();
  void TakeArrivals() EXCLUDES_LOCK(mutex_);
  void StartWaiting();
  void Begin(Lane& lane, Waiting waiting);
  void FinishCompleted();
  void CancelAll() EXCLUDES_LOCK(mutex_);

  const CurlHttpTransportOptions options_;

  Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<Waiting> arrivals_ GUARDED_BY(mutex_);
  // Calls of each lane that have not begun: in `arrivals_` or in the lane's queue.
  std::map<std::string, size_t> queued_ GUARDED_BY(mutex_);

  // The thread's own.
  std::unique_ptr<CurlHandles> handles_;
  std::map<std::string, Lane> lanes_;
  std::map<void*, std::unique_ptr<Transfer>> transfers_;  // By easy handle.

  std::thread thread_;
};

}  // namespace alertjoin
