#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "correlator-service/model/alert_report.h"
#include "correlator-service/rows/row_store.h"
#include "tests/unit/common/event/random_event.h"

namespace alertjoin {

// Makes rows, change sets and reports with hostile text, extreme times and odd numbers in them.
class RandomRows {
 public:
  explicit RandomRows(uint64_t seed) : random_(seed), events_(seed + 1) {}

  JoinedRow Row();
  // Row changes, or a gap.
  ChangeSet Set();
  AlertReport Report();

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool Coin() { return Below(2) == 0; }
  double Number();
  Timestamp Time() { return Timestamp::FromMillis(static_cast<int64_t>(random_() >> 12)); }
  // A transition and some bindings.
  AlertReport::Side Side();
  // What the next event of a kind is.
  template <typename Kind>
  Kind NextOf();

  std::mt19937_64 random_;
  RandomEvents events_;
};

// Everything that they say, as text with exact numbers: equal texts, equal values. Of a previous
// version only what is kept of it on disk.
std::string DescribeAll(const JoinedRow& row);
std::string DescribeAll(const ChangeSet& set);
std::string DescribeAll(const AlertReport& report);

}  // namespace alertjoin
