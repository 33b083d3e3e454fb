#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/net/stop_event.h"
#include "common/net/unique_fd.h"

namespace alertjoin {

// A listening TCP socket on one address, whose port no other process can share. cpp-httplib's own
// accept loop is not used: it ends for good, in silence, on errors that a peer or a full descriptor
// table can cause. Thread-safe.
class TcpListener {
 public:
  // `address` is host:port or [IPv6 address]:port; port 0 takes a free one. INVALID_ARGUMENT when
  // it is malformed, UNAVAILABLE with the address when it cannot be resolved or bound.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Bind(const std::string& address);

  // INVALID_ARGUMENT when the address is malformed.
  static absl::Status CheckAddress(const std::string& address);

  int port() const { return port_; }

  // The next connection: non-blocking, without Nagle's delay. Nothing once `stop` is signalled.
  // Errors of one connection are passed over; when descriptors or memory are short it waits a
  // little, logs it and tries again.
  std::optional<UniqueFd> Accept(const StopEvent& stop);

 private:
  TcpListener(UniqueFd socket, int port) : socket_(std::move(socket)), port_(port) {}

  const UniqueFd socket_;
  const int port_;
};

}  // namespace alertjoin
