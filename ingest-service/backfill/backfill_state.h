#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ingest-service/backfill/backfill_plan.h"

namespace alertjoin {

// What of each query has been backfilled, in files that outlive the process: one for each query and
// step, in JSON, written anew whenever there is more. A file that is lost, or cannot be read, costs
// nothing but asking for its time again. Thread-safe as long as each file has one user.
class BackfillState {
 public:
  // Makes the folder and those it stands in when they are missing. UNAVAILABLE when it cannot.
  static absl::StatusOr<BackfillState> Open(std::string folder);

  // Nothing when there is no file, or none that can be read, which is logged.
  TimeRanges Load(const BackfillTask& task) const;
  // UNAVAILABLE when the file cannot be written; the one before is kept then.
  absl::Status Save(const BackfillTask& task, const TimeRanges& done) const;

  // The file's path. Whatever the task's times: they are what it holds.
  std::string PathOf(const BackfillTask& task) const;

 private:
  explicit BackfillState(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace alertjoin
