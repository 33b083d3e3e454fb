#include "common/status/error_metadata.h"

#include "common/status/status.h"

namespace alertjoin {

absl::Status WithMetadata(const absl::Status& status, std::string_view key,
                          std::string_view value) {
  auto detail = DetailOf(status);
  if (!detail.has_value()) return status;
  detail->metadata.emplace_back(key, value);
  return WithDetail(status, *detail);
}

}  // namespace alertjoin
