#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "ingest-service/backfill/backfill_plan.h"

namespace alertjoin {

// What of each query has been backfilled to one store of the correlator, in files that outlive the
// process: one for each query and step, in JSON, written anew whenever there is more. A file that
// is lost, cannot be read or is of another store, which has what this one lacks, costs nothing but
// asking for its time again. Thread-safe as long as each file has one user.
class BackfillState {
 public:
  // Makes the folder and those it stands in when they are missing. UNAVAILABLE when it cannot.
  // `store_id`: which store, as the correlator's welcome names it.
  static absl::StatusOr<BackfillState> Open(std::string folder, std::string store_id);

  // Nothing when there is no file, or none that can be read or is of this store, which is logged.
  TimeRanges Load(const BackfillTask& task) const;
  // UNAVAILABLE when the file cannot be written; the one before is kept then.
  absl::Status Save(const BackfillTask& task, const TimeRanges& done) const;

  // The file's path. Whatever the task's times: they are what it holds.
  std::string PathOf(const BackfillTask& task) const;

 private:
  BackfillState(std::string folder, std::string store_id)
      : folder_(std::move(folder)), store_id_(std::move(store_id)) {}

  std::string folder_;
  std::string store_id_;
};

}  // namespace alertjoin
