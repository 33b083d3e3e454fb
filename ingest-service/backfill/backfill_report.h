#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/event/query.h"
#include "ingest-service/backfill/time_ranges.h"

namespace alertjoin {

// How the backfill of one query fares.
struct BackfillReport {
  // Time that could not be had, and why.
  struct Failure {
    TimeRange range;
    std::string reason;
  };

  Query query;
  TimeRange wanted;
  Millis total{0};  // Time that had not been done before.
  Millis left{0};   // Of it; what has failed is not left.
  uint64_t chunks = 0;
  uint64_t samples = 0;          // Handed over, stale markers included.
  uint64_t samples_too_old = 0;  // Of them, those that the correlator does not keep.
  uint64_t tries_failed = 0;
  std::vector<Failure> failures;  // By time; those next to each other with one reason are one.
  bool finished = false;
};

// Whether the failure can be joined to the last one; joins it then, adds it otherwise.
void AddFailure(BackfillReport& report, BackfillReport::Failure failure);

// What is shown of all queries together: "42%  1,234,567 samples  12s left".
struct BackfillTotals {
  double done = 0;  // From 0 to 1.
  uint64_t samples = 0;
  uint64_t chunks = 0;
  size_t failures = 0;
  size_t queries = 0;
  size_t queries_finished = 0;
};
BackfillTotals TotalsOf(const std::vector<BackfillReport>& reports);

// For a terminal of so many columns: "[#####-----]  50%  2/3 queries  1,234 samples  30s left".
// `elapsed` is how long it took so far.
std::string ProgressBar(const BackfillTotals& totals, Millis elapsed, size_t columns);
// For a log: the same in words.
std::string ProgressLine(const BackfillTotals& totals, Millis elapsed);
// What is told of one query at its end, one line each, the failures last.
std::vector<std::string> ResultLines(const BackfillReport& report);

}  // namespace alertjoin
