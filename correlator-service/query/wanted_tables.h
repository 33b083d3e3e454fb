#pragma once

#include <utility>

#include "common/status/status.h"
#include "correlator-service/join/table_access.h"
#include "correlator-service/query/still_wanted.h"

namespace alertjoin {

// The tables for one answer: before each turn it asks whether somebody still waits for the answer,
// and takes none when not. As thread-safe as what it is made of.
class WantedTables final : public TableAccess {
 public:
  // `tables` must outlive it.
  WantedTables(TableAccess& tables, StillWanted still_wanted)
      : tables_(tables), still_wanted_(std::move(still_wanted)) {}

  // Also the errors of `still_wanted`.
  absl::Status Read(const Turn& turn) override {
    RETURN_IF_ERROR(still_wanted_());
    return tables_.Read(turn);
  }
  uint64_t run_id() const override { return tables_.run_id(); }

 private:
  TableAccess& tables_;
  const StillWanted still_wanted_;
};

}  // namespace alertjoin
