#pragma once

#include <string>

#include "common/event/event.h"

namespace alertjoin {

// The event of an alert, larger by `padding_bytes` than it need be.
inline Event Alert(const std::string& fingerprint, size_t padding_bytes = 0) {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = fingerprint;
  event.generator_url = std::string(padding_bytes, 'x');
  return event;
}

}  // namespace alertjoin
