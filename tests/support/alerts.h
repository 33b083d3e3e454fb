#pragma once

// Alerts for tests: made by hand, and written at random with their history.

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "correlator-service/rows/alert_filter.h"
#include "correlator-service/rows/row_store.h"
#include "tests/support/joined_rows.h"

namespace alertjoin {

struct AlertSpec {
  int id = 1;
  std::string alert = "a";
  std::string source = "am";
  Timestamp starts_at = kRowsNow;
  std::optional<Timestamp> ends_at = {};
  LabelSet labels = {};  // Besides `alertname`, which is the alert.
  std::string annotation = {};
  Operation operation = Operation::kUpsert;
};
Alert MakeAlert(const AlertSpec& spec);

// What readers can tell of an alert, as text: two versions with the same text are the same.
std::string Describe(const Alert& alert);

// Commits random changes of a few alerts to a store - new ones, ends, amendments, DELETEs, and
// repetitions that change nothing - with rows and gaps between them, and remembers the table at
// every sequence.
class RandomAlertWriter {
 public:
  RandomAlertWriter(RowStore& store, uint64_t seed) : store_(store), random_(seed) {}

  void Commit();
  // The alerts that match, as they stood at the sequence.
  DescribedRows TableAt(Sequence sequence, const AlertFilter& filter) const;
  // For each sequence up to the newest, what a subscriber with the filter must be told: alert id
  // and whether it is an UPSERT.
  std::map<Sequence, std::map<RowId, bool>> ChangesAfter(Sequence after,
                                                         const AlertFilter& filter) const;
  uint64_t Draw(uint64_t limit) { return random_() % limit; }

 private:
  using Table = std::map<RowId, std::shared_ptr<const Alert>>;

  Alert Changed(int id);

  RowStore& store_;
  std::mt19937_64 random_;
  std::map<int, AlertSpec> specs_;
  Table table_;
  std::vector<Table> history_{{}};  // By sequence.
};

}  // namespace alertjoin
