#pragma once

#include <string>

namespace alertjoin {

// What the command line says of the listeners.
struct ListenerFlags {
  // Listeners that others than this machine reach need no TLS: everyone may do everything.
  bool insecure = false;
  // Security files; "": none.
  std::string web_config_file;
  std::string grpc_config_file;
};

}  // namespace alertjoin
