#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "correlator-service/join/table_reader.h"

namespace alertjoin {

// How others than the writer read the tables: in short turns between its rounds. Thread-safe.
class TableAccess {
 public:
  // Must return within about a millisecond, since the writer waits for it, and must not block.
  using Turn = std::function<void(const TableReader&)>;

  virtual ~TableAccess() = default;
  // Waits until `turn` has been called. Else it was not and will not be: RESOURCE_EXHAUSTED when
  // too many wait, UNAVAILABLE when the writer stops or does not get to it in time.
  virtual absl::Status Read(const Turn& turn) = 0;
  // Different whenever places of series may mean others than before: with each start.
  virtual uint64_t run_id() const = 0;
};

}  // namespace alertjoin
