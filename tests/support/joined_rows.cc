#include "tests/support/joined_rows.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace alertjoin {

RowId IdOf(int id) {
  RowId row_id;
  for (size_t i = 0; i < sizeof(id); ++i) {
    row_id.bytes[i] = static_cast<uint8_t>(static_cast<unsigned>(id) >> (24 - 8 * i));
  }
  return row_id;
}

JoinedRow MakeRow(const RowSpec& spec) {
  auto transition = std::make_shared<Transition>();
  transition->source = "am";
  transition->fingerprint = "f-" + spec.alert;
  transition->state = spec.state;
  transition->starts_at = spec.event_time;
  if (spec.state == AlertState::kResolved) {
    transition->starts_at = spec.event_time - std::chrono::minutes(1);
    transition->ends_at = spec.event_time;
  }
  std::vector<LabelSet::Label> labels(spec.labels.begin(), spec.labels.end());
  labels.emplace_back("alertname", spec.alert);
  transition->labels = LabelSet(std::move(labels));
  transition->received_time = spec.event_time;

  JoinedRow row;
  row.id = IdOf(spec.id);
  row.revision = spec.revision;
  row.operation = spec.operation;
  row.cause = spec.cause;
  row.final = spec.final;
  row.transition = std::move(transition);
  row.applied_time = spec.event_time;
  row.match.state = spec.match_state;
  if (spec.match_state == MatchState::kUnbound) return row;
  auto binding = std::make_shared<Binding>();
  binding->query = Query{"prom", spec.query_name, spec.query_name, TimeKind::kSample};
  row.binding = std::move(binding);
  if (spec.match_state == MatchState::kMatched) {
    row.match.series = std::make_shared<SeriesKey>(
        SeriesKey{std::make_shared<const Query>(row.binding->query), LabelSet{}});
    row.match.value = spec.value;
    row.match.sample_time = spec.event_time - std::chrono::seconds(1);
  }
  return row;
}

std::string Describe(const JoinedRow& row) {
  return fmt::format("revision={} final={} state={} time={} value={} labels={}", row.revision,
                     row.final, static_cast<int>(row.transition->state),
                     row.transition->event_time().millis(), row.match.value.value_or(0),
                     ToString(row.transition->labels));
}

JoinedRow RandomRowWriter::Changed(int id) {
  RowSpec spec;
  spec.id = id;
  spec.alert = fmt::format("alert{}", id % 7);
  spec.state = id % 2 == 0 ? AlertState::kFiring : AlertState::kResolved;
  spec.query_name = id % 3 == 0 ? "q" : "other";
  const auto known = table_.find(IdOf(id));
  if (known == table_.end()) {
    spec.event_time = kRowsNow - Millis(static_cast<int64_t>(Draw(3'600'000)));
  } else {
    const JoinedRow& before = known->second->row;
    spec.event_time = before.transition->event_time();
    spec.revision = before.revision + 1;
    // Some rows are amended: they move in time, or to another filter.
    if (Draw(4) == 0) spec.event_time = spec.event_time + Millis(int64_t(Draw(600'000)) - 300'000);
    if (Draw(5) == 0) spec.operation = Operation::kDelete;
  }
  spec.labels = LabelSet{{"severity", Draw(2) == 0 ? "critical" : "info"}};
  spec.value = static_cast<double>(Draw(1000));
  spec.final = Draw(2) == 0;
  JoinedRow row = MakeRow(spec);
  if (spec.operation == Operation::kDelete) {
    row = known->second->row;
    row.operation = Operation::kDelete;
    row.cause = Cause::kExpired;
    ++row.revision;
  }
  return row;
}

void RandomRowWriter::Commit() {
  const Sequence before = store_.newest();
  std::vector<JoinedRow> changes;
  std::set<int> ids;
  for (uint64_t count = Draw(6); count > 0; --count) ids.insert(static_cast<int>(Draw(60)));
  for (const int id : ids) changes.push_back(Changed(id));
  std::vector<Gap> gaps(Draw(8) == 0 ? 1 : 0);

  const size_t sequences = (changes.empty() ? 0 : 1) + gaps.size();
  if (!changes.empty()) {
    for (JoinedRow change : changes) {
      change.sequence = before.Next();
      if (change.operation == Operation::kDelete) {
        table_.erase(change.id);
      } else {
        table_[change.id] = std::make_shared<const Written>(Written{change, Describe(change)});
      }
    }
    history_.push_back(table_);
  }
  for (size_t i = 0; i < gaps.size(); ++i) history_.push_back(table_);
  const Sequence after =
      store_.Commit({.changes = std::move(changes), .gaps = std::move(gaps)}).value();
  ASSERT_EQ(after.value(), before.value() + sequences);
}

DescribedRows RandomRowWriter::TableAt(Sequence sequence, const RowFilter& filter) const {
  DescribedRows described;
  for (const auto& [id, written] : history_.at(sequence.value())) {
    if (filter.Matches(written->row)) described[id] = written->description;
  }
  return described;
}

std::map<Sequence, std::map<RowId, bool>> RandomRowWriter::ChangesAfter(
    Sequence after, const RowFilter& filter) const {
  std::map<Sequence, std::map<RowId, bool>> changes;
  DescribedRows now = TableAt(after, filter);
  for (uint64_t sequence = after.value() + 1; sequence < history_.size(); ++sequence) {
    const DescribedRows before = std::move(now);
    now = TableAt(Sequence(sequence), filter);
    for (const auto& [id, description] : now) {
      const auto was = before.find(id);
      if (was == before.end() || was->second != description) changes[Sequence(sequence)][id] = true;
    }
    for (const auto& [id, description] : before) {
      if (!now.contains(id)) changes[Sequence(sequence)][id] = false;
    }
  }
  return changes;
}

void FoldedRows::Apply(const SubscriptionMessage& message) {
  if (const auto* rows = std::get_if<RowsMessage>(&message.body)) {
    for (const auto& [row, operation] : rows->entries) {
      if (operation == Operation::kDelete) {
        rows_.erase(row->id);
      } else {
        rows_[row->id] = Describe(*row);
      }
      if (complete_) sequence_ = row->sequence;
    }
  }
  if (const auto* complete = std::get_if<SnapshotCompleteMessage>(&message.body)) {
    complete_ = true;
    sequence_ = complete->sequence;
  }
  if (const auto* progress = std::get_if<ProgressMessage>(&message.body)) {
    sequence_ = progress->sequence;
  }
  if (const auto* gap = std::get_if<GapMessage>(&message.body); gap != nullptr && complete_) {
    sequence_ = gap->set->sequence;
  }
}

void ExpectOrdered(const std::vector<SubscriptionMessage>& messages) {
  std::map<RowId, uint64_t> revisions;
  Sequence last;
  bool complete = false;
  for (const SubscriptionMessage& message : messages) {
    if (const auto* done = std::get_if<SnapshotCompleteMessage>(&message.body)) {
      EXPECT_FALSE(complete) << "two snapshots";
      complete = true;
      last = done->sequence;
    }
    if (const auto* progress = std::get_if<ProgressMessage>(&message.body)) {
      EXPECT_TRUE(complete) << "progress before the snapshot is complete";
      EXPECT_GE(progress->sequence, last);
      last = progress->sequence;
    }
    if (const auto* gap = std::get_if<GapMessage>(&message.body); gap != nullptr && complete) {
      EXPECT_GT(gap->set->sequence, last);
      last = gap->set->sequence;
    }
    const auto* const rows = std::get_if<RowsMessage>(&message.body);
    if (rows == nullptr) continue;
    EXPECT_FALSE(rows->entries.empty());
    for (const auto& [row, operation] : rows->entries) {
      EXPECT_GT(row->revision, revisions[row->id]) << "revisions out of order";
      revisions[row->id] = operation == Operation::kDelete ? 0 : row->revision;
      if (!complete) continue;
      EXPECT_GE(row->sequence, last) << "sequences out of order";
      last = row->sequence;
    }
  }
}

void ExpectUnique(const std::vector<SubscriptionMessage>& messages) {
  std::set<std::pair<RowId, Sequence>> seen;
  for (const SubscriptionMessage& message : messages) {
    const auto* const rows = std::get_if<RowsMessage>(&message.body);
    if (rows == nullptr) continue;
    for (const auto& entry : rows->entries) {
      EXPECT_TRUE(seen.emplace(entry.row->id, entry.row->sequence).second)
          << "sent twice: " << ToHex(entry.row->id) << " of " << entry.row->sequence.value();
    }
  }
}

std::map<Sequence, std::map<RowId, bool>> LiveChanges(
    const std::vector<SubscriptionMessage>& messages) {
  std::map<Sequence, std::map<RowId, bool>> changes;
  bool complete = false;
  for (const SubscriptionMessage& message : messages) {
    complete = complete || std::holds_alternative<SnapshotCompleteMessage>(message.body);
    const auto* const rows = std::get_if<RowsMessage>(&message.body);
    if (rows == nullptr || !complete) continue;
    std::map<Sequence, std::map<RowId, bool>> of_message;
    for (const auto& [row, operation] : rows->entries) {
      of_message[row->sequence][row->id] = operation == Operation::kUpsert;
    }
    for (auto& [sequence, rows_of_sequence] : of_message) {
      EXPECT_TRUE(changes.emplace(sequence, std::move(rows_of_sequence)).second)
          << "sequence " << sequence.value() << " in two messages";
    }
  }
  return changes;
}

}  // namespace alertjoin
