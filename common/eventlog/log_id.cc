#include "common/eventlog/log_id.h"

#include <fmt/format.h>

#include <random>

namespace alertjoin {

std::string NewLogId(std::string_view kind) {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}{:08x}{:08x}", kind, random(), random(), random(), random());
}

}  // namespace alertjoin
