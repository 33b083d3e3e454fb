#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "correlator-service/join/engine.h"
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
  // Starts of alerts that the event log tells of and that are compared with what was kept.
  uint64_t starts_compared = 0;
  // Alerts and rows that are not there and that may have been refused at a limit: whether they
  // were cannot be known. They are no differences.
  uint64_t maybe_refused = 0;
  std::string maybe_refused_example;  // The first of them.
  uint64_t differences = 0;
  // The first kExamplesMax of them, for people.
  std::vector<std::string> examples;

  static constexpr size_t kExamplesMax = 20;
};

// Reads the whole log and all stored reports, rows and changes, makes every row and every episode
// anew by the rules as they are written down, a step at a time, and compares: rows as they are
// stored, episodes as readers were told of them last, and what was kept of each alert with all that
// the log says of it. Shares no code with the engine. Takes memory for all samples, rows and
// alerts. FAILED_PRECONDITION, reason ROWS_BEHIND, when the rows have not seen all of the log: the
// service has to be started and stopped first. Other errors as those of the parts.
//
// `limits`: those that the service had; limit_evidence.h says what follows from them. Series that
// were refused at a limit are not told from those that were lost.
absl::StatusOr<Verification> VerifyRows(RoundLog& log, const RowDatabase& database,
                                        const EngineLimits& limits);

}  // namespace alertjoin
