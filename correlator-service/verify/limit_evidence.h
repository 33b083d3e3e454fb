#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "correlator-service/join/engine.h"
#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// Whether rows and alerts that the log speaks of may have been refused at a limit of the engine.
// What was refused is nowhere kept, but the change log tells how many rows there ever were at once,
// and how many alerts there may have been: while that is below a limit, nothing was refused at it,
// unless there were more before the change log begins, or the limit was raised since. Not
// thread-safe.
class LimitEvidence {
 public:
  explicit LimitEvidence(const EngineLimits& limits) : limits_(limits) {}

  // Each set of the change log, in order; then each row and each alert that is there.
  void AddChanges(const ChangeSet& set);
  void AddRow(const JoinedRow& row);
  void AddAlert(const std::string& source, const std::string& fingerprint);

  // After the last Add.
  bool MayHaveRefusedRows() const;
  bool MayHaveRefusedAlertsOf(const std::string& source) const;

 private:
  struct Size {
    int64_t rows = 0;
    int64_t bytes = 0;
    void Add(const JoinedRow& row, int64_t sign);
  };

  const EngineLimits limits_;
  Size now_;
  // Since the change log began: what was added beyond what was removed, and the most that it was.
  Size added_;
  Size most_added_;
  std::map<std::string, uint64_t> alerts_;  // By source.
  // Fingerprints by source: of which an episode was removed, and that are not among those above.
  std::map<std::string, std::set<std::string>> removed_;
};

}  // namespace alertjoin
