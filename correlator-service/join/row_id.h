#pragma once

#include <string_view>

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// What a row is about besides its alert: a series of a query, a query without series, nothing.
// Null query: UNBOUND. Null labels: NO_SERIES.
//
// The id is the first 128 bits of SHA-256 over the parts with their lengths, so it depends on
// nothing but them: the same row has the same id after any replay, in any order. `episode` is the
// greatest starts_at that was ever reported for the episode (see episodes.h).
RowId MakeRowId(std::string_view source, std::string_view fingerprint, Timestamp episode,
                AlertState state, const Query* query, const LabelSet* series_labels);

}  // namespace alertjoin
