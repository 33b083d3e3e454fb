#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/sync/mutex.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {

// Clients that hold connections to a server and say nothing. Those that the server ends come again,
// until this is destroyed. Thread-safe.
class IdleClients {
 public:
  IdleClients(int port, size_t count);
  // Waits until the server has ended them.
  ~IdleClients();

 private:
  void Run(int port, size_t count);

  Mutex mutex_;
  bool done_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// Clients that have each sent the begin of a request and go on byte by byte. For one thread.
class SlowClients {
 public:
  SlowClients(int port, size_t count, std::string_view begin);
  // A byte more from each.
  void Go();

 private:
  std::vector<std::unique_ptr<RawHttpClient>> clients_;
};

// How long calls of one kind take at a server with a crowd, and at one without, which tells what
// the machine itself adds at that time. For one thread.
class WaitTimes {
 public:
  // Gives the status of an answer.
  using Call = std::function<int()>;

  // Makes both calls, one after the other; the test fails when one is not answered 200.
  void Measure(const Call& in_crowd, const Call& alone);
  // 99 of 100 calls in the crowd took less than 100 ms or, where the machine is busy with other
  // things, than `kFactorMax` times what they took alone. Prints both.
  void ExpectNobodyWaits(const std::string& name);

 private:
  static constexpr double kSecondsMax = 0.1;
  static constexpr double kFactorMax = 3;

  std::vector<double> in_crowd_;
  std::vector<double> alone_;
};

}  // namespace alertjoin
