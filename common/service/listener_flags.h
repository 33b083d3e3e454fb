#pragma once

#include <string>

namespace alertjoin {

// What the command line says of the listeners.
struct ListenerFlags {
  // Listeners that others than this machine reach need no TLS: everyone may do everything.
  bool insecure = false;
};

}  // namespace alertjoin
