#pragma once

// Joined rows for tests: made by hand, written at random with their history, folded from a stream.

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "correlator-service/rows/row_filter.h"
#include "correlator-service/rows/row_store.h"
#include "correlator-service/subscribe/subscription_message.h"

namespace alertjoin {

// 2026-03-01T00:00:00Z, about when the rows of tests happen.
constexpr Timestamp kRowsNow = Timestamp::FromMillis(1772323200000);

struct RowSpec {
  int id = 1;
  std::string alert = "a";  // Rows with the same alert, state and time are of one transition.
  AlertState state = AlertState::kFiring;
  Timestamp event_time = kRowsNow;
  LabelSet labels;  // Besides `alertname`, which is the alert.
  std::string query_name = "q";
  MatchState match_state = MatchState::kMatched;
  double value = 1;
  bool final = false;
  uint64_t revision = 1;
  Operation operation = Operation::kUpsert;
  Cause cause = Cause::kAlert;
};
JoinedRow MakeRow(const RowSpec& spec);
RowId IdOf(int id);

// What readers can tell of a row, as text: two versions with the same text are the same.
std::string Describe(const JoinedRow& row);

// A table as id and description.
using DescribedRows = std::map<RowId, std::string>;

// Commits random changes of a few rows to a store - new rows, new values, other labels, amended
// times, final marks set and taken back, DELETEs, gaps - and remembers the table at every sequence.
class RandomRowWriter {
 public:
  RandomRowWriter(RowStore& store, uint64_t seed) : store_(store), random_(seed) {}

  void Commit();
  // The rows that match, as they stood at the sequence.
  DescribedRows TableAt(Sequence sequence, const RowFilter& filter) const;
  // For each sequence up to the newest, what a subscriber with the filter must be told: row id and
  // whether it is an UPSERT.
  std::map<Sequence, std::map<RowId, bool>> ChangesAfter(Sequence after,
                                                         const RowFilter& filter) const;
  uint64_t Draw(uint64_t limit) { return random_() % limit; }

 private:
  struct Written {
    JoinedRow row;
    std::string description;
  };
  using Table = std::map<RowId, std::shared_ptr<const Written>>;

  JoinedRow Changed(int id);

  RowStore& store_;
  std::mt19937_64 random_;
  Table table_;
  std::vector<Table> history_{{}};  // By sequence.
};

// What a subscriber knows: folds messages into a table.
class FoldedRows {
 public:
  void Apply(const SubscriptionMessage& message);

  const DescribedRows& rows() const { return rows_; }
  bool snapshot_complete() const { return complete_; }
  // The table that the rows are, once the snapshot is complete.
  Sequence sequence() const { return sequence_; }

 private:
  DescribedRows rows_;
  bool complete_ = false;
  Sequence sequence_;
};

// The promises that can be seen from the messages alone; each fails the test where it is broken.
// After the snapshot sequences do not fall, and a row's revisions rise while it is shown.
void ExpectOrdered(const std::vector<SubscriptionMessage>& messages);
// No version of a row comes twice.
void ExpectUnique(const std::vector<SubscriptionMessage>& messages);
// After the snapshot: row id and whether it is an UPSERT, by sequence. A sequence in two messages
// fails the test.
std::map<Sequence, std::map<RowId, bool>> LiveChanges(
    const std::vector<SubscriptionMessage>& messages);

}  // namespace alertjoin
