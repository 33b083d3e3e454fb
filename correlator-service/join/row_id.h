#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "common/event/event.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// What a row is about besides its alert, as a hash: a series of a query, or a query that has none.
// All zeros: nothing (UNBOUND).
struct RowSubject {
  std::array<uint8_t, 16> digest{};
};
// Null labels: NO_SERIES.
RowSubject MakeRowSubject(const Query& query, const LabelSet* series_labels);

// The id and the subject are the first 128 bits of SHA-256 over their parts with the lengths of
// these, so they depend on nothing else: the same row has the same id after any replay, in any
// order. `episode` is the greatest starts_at that was ever reported for the episode (episodes.h).
RowId MakeRowId(std::string_view source, std::string_view fingerprint, Timestamp episode,
                AlertState state, const RowSubject& subject);

// The id of the episode itself, made in the same way.
RowId MakeAlertId(std::string_view source, std::string_view fingerprint, Timestamp episode);

}  // namespace alertjoin
