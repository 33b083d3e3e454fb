#include "tests/support/alerts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

namespace alertjoin {

Alert MakeAlert(const AlertSpec& spec) {
  auto transition = std::make_shared<Transition>();
  transition->source = spec.source;
  transition->fingerprint = "f-" + spec.alert;
  transition->state = spec.ends_at ? AlertState::kResolved : AlertState::kFiring;
  transition->starts_at = spec.starts_at;
  transition->ends_at = spec.ends_at;
  std::vector<LabelSet::Label> labels(spec.labels.begin(), spec.labels.end());
  labels.emplace_back("alertname", spec.alert);
  transition->labels = LabelSet(std::move(labels));
  if (!spec.annotation.empty()) transition->annotations = LabelSet{{"note", spec.annotation}};
  transition->received_time = spec.starts_at;
  Alert alert;
  alert.id = IdOf(spec.id);
  alert.operation = spec.operation;
  alert.transition = std::move(transition);
  alert.received_time = spec.starts_at;
  return alert;
}

std::string Describe(const Alert& alert) {
  const Transition& transition = *alert.transition;
  return fmt::format(
      "source={} state={} start={} end={} received={} labels={} annotations={}", transition.source,
      static_cast<int>(transition.state), transition.starts_at.millis(),
      transition.ends_at ? transition.ends_at->millis() : 0, alert.received_time.millis(),
      ToString(transition.labels), ToString(transition.annotations));
}

Alert RandomAlertWriter::Changed(int id) {
  const bool is_new = !specs_.contains(id);
  AlertSpec& spec = specs_[id];
  if (is_new) {
    spec.id = id;
    spec.alert = fmt::format("alert{}", id % 7);
    spec.source = id % 3 == 0 ? "am" : "other";
    spec.labels = LabelSet{{"severity", id % 2 == 0 ? "critical" : "info"}};
    spec.starts_at = kRowsNow - Millis(static_cast<int64_t>(Draw(3'600'000)));
  } else if (Draw(3) == 0) {
    spec.ends_at = spec.starts_at + Millis(static_cast<int64_t>(Draw(600'000)));
  } else if (Draw(3) == 0) {
    spec.starts_at = spec.starts_at - Millis(static_cast<int64_t>(Draw(600'000)));
  } else if (Draw(3) == 0) {
    spec.annotation = fmt::to_string(Draw(3));
  }
  Alert alert = MakeAlert(spec);
  if (!is_new && Draw(6) == 0) {
    // As the engine says it: with nothing but its id.
    alert.transition = nullptr;
    alert.operation = Operation::kDelete;
    specs_.erase(id);
  }
  return alert;
}

void RandomAlertWriter::Commit() {
  const Sequence before = store_.newest();
  RowCommit commit;
  std::set<int> ids;
  for (uint64_t count = Draw(6); count > 0; --count) ids.insert(static_cast<int>(Draw(40)));
  bool has_changes = false;
  for (const int id : ids) {
    Alert alert = Changed(id);
    const auto known = table_.find(alert.id);
    if (alert.operation == Operation::kDelete) {
      has_changes = table_.erase(alert.id) > 0 || has_changes;
    } else if (known == table_.end() || Describe(*known->second) != Describe(alert)) {
      has_changes = true;
      table_[alert.id] = std::make_shared<const Alert>(alert);
    }
    commit.alerts.push_back(std::move(alert));
  }
  if (Draw(3) == 0) {
    has_changes = true;
    RowSpec row;
    row.id = static_cast<int>(1000 + Draw(10));
    row.revision = before.value() + 1;
    commit.changes.push_back(MakeRow(row));
  }
  commit.gaps.resize(Draw(8) == 0 ? 1 : 0);
  const size_t sequences = (has_changes ? 1 : 0) + commit.gaps.size();
  for (size_t i = 0; i < sequences; ++i) history_.push_back(table_);
  const Sequence after = store_.Commit(std::move(commit)).value();
  ASSERT_EQ(after.value(), before.value() + sequences);
}

DescribedRows RandomAlertWriter::TableAt(Sequence sequence, const AlertFilter& filter) const {
  DescribedRows described;
  for (const auto& [id, alert] : history_.at(sequence.value())) {
    if (filter.Matches(*alert)) described[id] = Describe(*alert);
  }
  return described;
}

std::map<Sequence, std::map<RowId, bool>> RandomAlertWriter::ChangesAfter(
    Sequence after, const AlertFilter& filter) const {
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

}  // namespace alertjoin
