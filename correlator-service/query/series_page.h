#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "correlator-service/join/table_reader.h"

namespace alertjoin {

// Where a listing of series, or of their samples, goes on.
struct SeriesPosition {
  SeriesPlace place;
  Timestamp from = Timestamp::Min();  // Of the samples of the series at `place`.
};

// The next_page_token of that position, for a listing with these arguments in this run.
std::string EncodeSeriesPageToken(const SeriesPosition& position, uint64_t argument_hash,
                                  uint64_t run_id);
// INVALID_ARGUMENT, reason INVALID_PAGE_TOKEN, field "page_token", when it is none of ours, was
// given for other arguments, or before the correlator's last start.
absl::StatusOr<SeriesPosition> DecodeSeriesPageToken(std::string_view text, uint64_t argument_hash,
                                                     uint64_t run_id);

}  // namespace alertjoin
