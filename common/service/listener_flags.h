#pragma once

#include <string>
#include <vector>

namespace alertjoin {

// What the command line says of the listeners.
struct ListenerFlags {
  // Listeners that others than this machine reach need no TLS: everyone may do everything.
  bool insecure = false;
  // Security files; "": none.
  std::string web_config_file;
  std::string grpc_config_file;
  // What the HTTP listener is called besides localhost, an address and this machine's name.
  std::vector<std::string> web_host_names;
};

}  // namespace alertjoin
