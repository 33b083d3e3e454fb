#include "common/eventlog/log_id.h"

#include <fmt/format.h>

#include <random>

namespace alertjoin {

std::string RandomId() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string NewLogId(std::string_view kind) { return fmt::format("{}-{}", kind, RandomId()); }

}  // namespace alertjoin
