#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// The next_page_token behind the row at `position`, for a listing with these arguments.
std::string EncodePageToken(const RowPosition& position, uint64_t argument_hash);

// INVALID_ARGUMENT, reason INVALID_PAGE_TOKEN, field "page_token", when it is none of ours or was
// given for other arguments.
absl::StatusOr<RowPosition> DecodePageToken(std::string_view text, uint64_t argument_hash);

}  // namespace alertjoin
