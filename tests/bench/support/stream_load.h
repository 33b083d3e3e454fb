#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/support/byte_buffer.h>

#include <latch>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/sync/mutex.h"

namespace alertjoin {

// Many calls of SubscribeJoinedRows that read as fast as messages come, count the rows in them and
// decode nothing else, so that they cost little beside the server; the same for every server.
class SubscriberLoad {
 public:
  struct Expected {
    std::string filter;
    size_t rows = 0;
  };
  // Opens one call for each of `expected`, live only, with at most `calls_per_connection` on a
  // connection, and returns when all have got their first message.
  SubscriberLoad(int port, const std::vector<Expected>& expected, size_t calls_per_connection);
  ~SubscriberLoad();  // Cancels the calls and waits for their end.

  // Returns when every call has got its rows. Ends the program when one gets more, or ends.
  void WaitRows() { rows_.wait(); }
  uint64_t bytes() const;

 private:
  class Call;

  std::latch started_;
  std::latch rows_;
  std::latch done_;
  std::vector<std::unique_ptr<Call>> calls_;
};

// A server that answers a subscription with messages made before: one at once, the others when told
// to go. They are sent as they are, their bytes shared between the calls.
class RecordedServer {
 public:
  // The messages by filter.
  using Recording = std::map<std::string, std::vector<grpc::ByteBuffer>>;
  explicit RecordedServer(Recording recording);
  ~RecordedServer();

  int port() const { return port_; }
  void Go();

 private:
  class Service;

  const std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace alertjoin
