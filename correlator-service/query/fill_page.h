#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/status/status.h"
#include "correlator-service/model/row_size.h"
#include "correlator-service/query/page_token.h"
#include "correlator-service/query/still_wanted.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// What one page costs at most. A page that meets a limit is shorter than asked for and has a
// next_page_token all the same.
struct ListLimits {
  size_t rows_scanned_max = 100'000;  // Or alerts.
  // Below the 4 MiB that gRPC clients accept by default. A single row is given all the same.
  size_t bytes_max = 3 << 20;
};

// Where a page begins and how much it is to have.
struct PageRequest {
  RowRange range;
  size_t page_size = 0;
  uint64_t argument_hash = 0;  // Of everything that the pages of one listing have in common.
};

inline const std::vector<SharedRow>& ItemsOf(const RowPage& page) { return page.rows; }
inline const std::vector<SharedAlert>& ItemsOf(const AlertPage& page) { return page.alerts; }

// Fills one page of a listing of rows or alerts: `read` gives the next ones of a range, at most so
// many; `wants` says whether one is listed, and `add` puts it into the response. An error is that
// of `still_wanted`, which is asked before each reading.
template <typename Response, typename Read, typename Wants, typename Add>
absl::StatusOr<Response> FillPage(const PageRequest& request, const ListLimits& limits,
                                  const StillWanted& still_wanted, Read read, Wants wants,
                                  Add add) {
  // Read under one lock of the store.
  constexpr size_t kItemsPerRead = 1000;
  Response response;
  RowRange range = request.range;
  size_t taken = 0;
  size_t bytes = 0;
  // False when a wanted one no longer fits: the page is full.
  const auto take = [&](const auto& items) {
    for (const auto& item : items) {
      if (wants(*item)) {
        const size_t item_bytes = ApproximateBytes(*item);
        const bool full = taken == request.page_size || bytes + item_bytes > limits.bytes_max;
        if (taken > 0 && full) return false;
        add(item, response);
        ++taken;
        bytes += item_bytes;
      }
      range.after = PositionOf(*item);
    }
    return true;
  };
  bool end = false;
  for (size_t scanned = 0; !end && scanned < limits.rows_scanned_max;) {
    RETURN_IF_ERROR(still_wanted());
    // One more than asked for tells whether there is another page.
    const auto page = read(range, scanned == 0 ? request.page_size + 1 : kItemsPerRead);
    if (scanned == 0) response.set_sequence(page.sequence.value());
    if (!take(ItemsOf(page))) break;
    scanned += ItemsOf(page).size();
    end = page.end;
  }
  if (!end) response.set_next_page_token(EncodePageToken(*range.after, request.argument_hash));
  return response;
}

}  // namespace alertjoin
