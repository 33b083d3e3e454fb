#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "common/net/http_connection.h"
#include "common/net/stop_event.h"
#include "common/net/unique_fd.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// Where connections wait until a whole request is there, on one thread for all of them: a peer that
// sends a byte now and then holds no other thread. Handshakes are made here, too, and those that
// were refused are waited for here until they have read why. Thread-safe but for Start and Stop.
class HttpLobby {
 public:
  struct Options {
    size_t connections_max = 0;
    HttpTimeouts timeouts = {};
  };

  // What becomes of a connection; each is called on the lobby's thread and must not block.
  struct Handlers {
    HttpConnection::WaitsForBody waits_for_body;
    // A request is there, or what has come will never be one, or its time is over (`out_of_time`):
    // the connection has an answer to come.
    std::function<void(std::unique_ptr<HttpConnection>)> ready;
    // What has come of it is more than the connection's budget has room for.
    std::function<void(std::unique_ptr<HttpConnection>)> no_room;
    std::function<void()> failed_handshake;
  };

  // `stop` must outlive it.
  HttpLobby(const Options& options, const StopEvent& stop, Handlers handlers);
  ~HttpLobby();  // Stops.

  void Start();
  // To be called after `stop` was signalled: those that have begun a request get one more second.
  void Stop();

  // False, and the connection is untouched, when there is no room. Once stopped it is dropped.
  bool Enter(std::unique_ptr<HttpConnection>& connection) EXCLUDES_LOCK(mutex_);

 private:
  struct Guest;
  using Guests = std::list<Guest>;

  void Run() EXCLUDES_LOCK(mutex_);
  void TakeEntering() EXCLUDES_LOCK(mutex_);
  // Reads what is there, and sees what is to be done with it.
  void Serve(Guests::iterator guest);
  void Watch(Guest& guest, bool is_new);
  std::unique_ptr<HttpConnection> Leave(Guests::iterator guest);
  void EndLate(StopEvent::Deadline now);
  StopEvent::Deadline DeadlineOf(const Guest& guest) const;

  const Options options_;
  const StopEvent& stop_;
  const Handlers handlers_;
  const UniqueFd epoll_;
  const UniqueFd wake_;
  std::thread thread_;
  std::atomic<size_t> count_ = 0;  // Guests and those that enter.

  Mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> entering_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;

  // The lobby's thread only.
  Guests guests_;
  StopEvent::Deadline next_end_ = StopEvent::Deadline::max();  // No guest is late before.
  bool stopping_ = false;
};

}  // namespace alertjoin
