#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {

// What came of comparing stored rows and alerts with the join by its plain rules.
struct Verification {
  uint64_t alerts = 0;
  // Whose last change is still in the change log.
  uint64_t episodes_compared = 0;
  uint64_t rows = 0;
  uint64_t rows_compared = 0;
  // From before retention.samples: they keep the match that they had.
  uint64_t rows_kept = 0;
  uint64_t records = 0;  // Of the event log.
  uint64_t differences = 0;
  // The first kDifferencesMax of them, for people.
  std::vector<std::string> examples;

  static constexpr size_t kExamplesMax = 20;
};

// Reads the whole log and all stored reports, rows and changes, makes every row and every episode
// anew by the rules as they are written down, a step at a time, and compares: rows as they are
// stored, episodes as readers were told of them last. Shares no code with the engine. Takes memory
// for all samples, rows and alerts. FAILED_PRECONDITION, reason ROWS_BEHIND, when the rows have not
// seen all of the log: the service has to be started and stopped first. Other errors as those of
// the parts.
//
// A row that was refused at one of the limits is reported as missing.
absl::StatusOr<Verification> VerifyRows(RoundLog& log, const RowDatabase& database);

}  // namespace alertjoin
