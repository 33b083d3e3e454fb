#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "correlator-service/join/engine.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/rows/durable_row_store.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {

// What recovery works on, all of it open and otherwise untouched.
struct RecoveryParts {
  RoundLog& log;
  const std::string& log_id;
  RowDatabase& database;
  DurableRowStore& store;
  Engine& engine;
};

// Called after every record, with its position and the end of the log. False: give up.
using RecoveryProgress = std::function<bool(LogPosition at, LogPosition end)>;

// Brings engine and rows to where the log ends: tables from the records that the rows have seen,
// alerts and rows from the database, and then the records that it has not seen, whose changes are
// committed with the sequences that they had or would have had. Errors, each of which says what to
// do:
//   FAILED_PRECONDITION LOG_FOREIGN  the rows were made from another log
//   DATA_LOSS LOG_REWOUND            the log ends before what the rows have seen
//   DATA_LOSS ROWS_REWOUND           the rows end before what the log begins with
//   CANCELLED                        `on_progress` gave up: recovery starts anew next time
//   others                           as those of the parts
absl::Status Recover(const RecoveryParts& parts, const RecoveryProgress& on_progress);

}  // namespace alertjoin
