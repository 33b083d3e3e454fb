#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/eventlog/event_log.h"
#include "correlator-service/model/alert.h"
#include "correlator-service/model/alert_report.h"
#include "correlator-service/model/joined_row.h"
#include "correlator-service/rows/change_signal.h"
#include "correlator-service/rows/source_board.h"

namespace alertjoin {

// A version of a row as readers hold it: immutable, valid for as long as it is held.
using SharedRow = std::shared_ptr<const JoinedRow>;
// The same of an alert.
using SharedAlert = std::shared_ptr<const Alert>;

// Place of a row in the order of listing: newest event time first, then by row id. Alerts go by
// their starts and ids in the same way.
struct RowPosition {
  Timestamp event_time;
  RowId id;

  friend bool operator==(const RowPosition&, const RowPosition&) = default;
  friend auto operator<=>(const RowPosition& a, const RowPosition& b) {
    const auto by_time = b.event_time <=> a.event_time;
    return by_time != 0 ? by_time : a.id <=> b.id;
  }
};
RowPosition PositionOf(const JoinedRow& row);
RowPosition PositionOf(const Alert& alert);

// Which rows to read, and from where.
struct RowRange {
  std::optional<RowPosition> after;  // Exclusive. Default: from the newest row on.
  std::optional<Timestamp> from;     // Earliest event time, inclusive. Of alerts: see ReadAlerts.
  std::optional<Timestamp> to;       // Latest event time, exclusive. Default: no end.
};

struct RowPage {
  std::vector<SharedRow> rows;  // In the order of RowPosition.
  bool end = false;             // Nothing of the range comes after these.
  Sequence sequence;            // The table's when the page was read.
};

struct AlertPage {
  std::vector<SharedAlert> alerts;  // In the order of RowPosition.
  bool end = false;                 // Nothing of the range comes after these.
  Sequence sequence;                // The table's when the page was read.
};

// One row's change. For DELETE, `row` is the row as it last was.
struct RowChange {
  SharedRow row;
  // The version that it replaces or deletes; null for a new row. In changes that were read from
  // disk only what a RowFilter looks at is as it was.
  SharedRow previous;
};

// One alert's change. For DELETE, `alert` is the alert as it last was.
struct AlertChange {
  SharedAlert alert;
  // Of the version that it replaces or deletes; nothing for a new alert.
  std::optional<AlertState> previous_state;
};

// What happened at one sequence: changes of rows and of alerts, or one gap. Immutable once
// published.
struct ChangeSet {
  Sequence sequence;
  std::vector<RowChange> changes;
  std::optional<Gap> gap;
  std::vector<AlertChange> alerts = {};
  size_t bytes = 0;  // About what it takes in memory.
};
using SharedChangeSet = std::shared_ptr<const ChangeSet>;
// About what it takes in memory; what `bytes` is set to.
size_t ApproximateBytes(const ChangeSet& set);

struct ChangesRead {
  std::vector<SharedChangeSet> sets;  // With consecutive sequences.
  Sequence newest;                    // The table's when they were read.
};

// What one round of the writer changes.
struct RowCommit {
  // A row id occurs at most once; changes of one transition are adjacent.
  std::vector<JoinedRow> changes = {};
  // As they stand now, each at most once; those that look as before are left out by the store.
  std::vector<Alert> alerts = {};
  std::vector<Gap> gaps = {};
  // Of the alerts, as they stand now; each at most once.
  std::vector<AlertReport> reports = {};
  std::vector<RawPayload> raw_payloads = {};
  std::vector<SourceStatus> sources = {};
  // Raw payloads from before it are forgotten, and sources that were last told of before it.
  std::optional<Timestamp> row_horizon = {};
  // The round's place in the event log. Default: none, of a store without a log.
  LogPosition applied = {};
};

using ProgressBoard = std::vector<QueryProgress>;

// The joined rows and the alerts, and the log of their changes by sequence. Thread-safe: one
// writer, any number of readers. Readers hold no lock between calls and get immutable versions, so
// that the writer never waits for more than the copying of one bounded page of pointers.
//
// Invariants: sequences grow by 1 without holes, and each has one ChangeSet; the `sequence` of a
// row or an alert is that of its last change; applying all changes up to a sequence gives the
// tables at it.
class RowStore {
 public:
  virtual ~RowStore() = default;

  // --- For the writer thread ---

  // Gives sequences to the changes, keeps all of the commit as durably as the store does, and then
  // publishes the changes, each sequence at once. Returns the newest sequence.
  // - All changes of a commit share one sequence, unless they are more than a sequence's limits
  //   (see sequence_split.h); each gap has a sequence of its own after them.
  //   Changes of alerts go into the same sequence when all fit into one, and otherwise into
  //   sequences of their own after those of the rows.
  // - UPSERT adds or replaces the row or alert; DELETE removes it, and is left out when there is no
  //   such one.
  // After an error nothing was published, and the store takes no more.
  virtual absl::StatusOr<Sequence> Commit(RowCommit commit) = 0;

  // Makes all commits so far survive the death of the machine, as far as the store is durable at
  // all. After an error the store takes no more.
  virtual absl::Status Sync() { return absl::OkStatus(); }

  // Replaces what Progress() gives: for each query the newest complete interval. Call it after the
  // Commit of what it speaks of.
  virtual void PublishProgress(std::shared_ptr<const ProgressBoard> progress) = 0;

  // Raises `signal` after every publication from now on. At most kSignalsMax are kept.
  virtual void RaiseOnChange(std::shared_ptr<ChangeSignal> signal) = 0;

  // --- For readers ---

  // Identity of the store: sequences of different stores are not comparable. Constant.
  virtual const std::string& store_id() const = 0;
  // Newest published sequence; 0 before the first.
  virtual Sequence newest() const = 0;
  // Changes after this sequence can be read; those at or before it are gone.
  virtual Sequence floor() const = 0;
  // Newest version of the row; null when there is no such row.
  virtual SharedRow Find(const RowId& id) const = 0;
  // The next rows of the range, at most `rows_max`.
  virtual RowPage ReadRows(const RowRange& range, size_t rows_max) const = 0;
  // The next that began before `to`, at most `alerts_max`; of those over by `from` only some.
  virtual AlertPage ReadAlerts(const RowRange& range, size_t alerts_max) const = 0;
  // The change sets after `after`: at least one when there is one, and then as many as fit both
  // limits. OUT_OF_RANGE when `after` is below the floor.
  virtual absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                                  size_t bytes_max) const = 0;
  // What was published last; never null.
  virtual std::shared_ptr<const ProgressBoard> Progress() const = 0;
  // How the sources fare, as committed; by kind, source and producer. At most
  // SourceBoard::kSourcesMax.
  virtual std::vector<SharedSourceStatus> Sources() const = 0;

  static constexpr size_t kSignalsMax = 16;
};

}  // namespace alertjoin
