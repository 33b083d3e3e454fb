#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace alertjoin {

// Whether only this machine reaches what listens on the address: host:port with a loopback address
// (127.0.0.0/8, ::1) or a name of which every address is one, or a Unix socket (unix:path). What
// cannot be understood or resolved is not.
bool IsLoopback(const std::string& listen_address);

// A listener and what shields it.
struct ListenerShield {
  std::string_view name;  // "HTTP", "gRPC": for messages.
  std::string_view flag;  // The flag that names its security file.
  bool tls = false;
  // Whether TLS alone is too little, and whether clients must show a certificate. A parser that can
  // be crashed by anyone it hears wants them kept out before it.
  bool needs_client_certificates = false;
  bool client_certificates = false;
  bool insecure = false;  // Asked for on the command line: everything goes.
};

// The rule of every listener: one that others than this machine reach has TLS (and client
// certificates where they are needed), or was asked for by --insecure. INVALID_ARGUMENT says what
// to do.
absl::Status CheckListener(const ListenerShield& shield, const std::string& listen_address);

}  // namespace alertjoin
