#include "tests/support/checked_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/status/status.h"
#include "correlator-service/join/engine_restore.h"
#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

// When the batches are applied: of no consequence for the rows.
constexpr Timestamp kApplied = Timestamp::FromMillis(1);

// Of two sides of an episode the resolved one is greater.
std::string DescribeMoments(const Transition& transition) {
  const auto millis = [](const std::optional<Timestamp>& time) {
    return time ? fmt::to_string(time->millis()) : std::string("none");
  };
  return fmt::format("state {} from {} to {} active {}", static_cast<int>(transition.state),
                     transition.starts_at.millis(), millis(transition.ends_at),
                     millis(transition.active_at));
}

// Everything that readers see, but for what a transition repeats.
std::string DescribeAlerts(const std::map<RowId, Alert>& alerts) {
  std::string text;
  for (const auto& [id, alert] : alerts) {
    text += fmt::format("{} received {} {} {} {}\n", ToHex(id), alert.received_time.millis(),
                        DescribeMoments(*alert.transition), ToString(alert.transition->labels),
                        ToString(alert.transition->annotations));
  }
  return text;
}

// With what depends on the order of events: when the report was received that describes it.
std::string WithReceipt(const JoinedRow& row) {
  return fmt::format("{}, received {}", DescribeFully(row), row.transition->received_time.millis());
}

std::string WithId(const JoinedRow& row) {
  return fmt::format("{} {} {}", ToHex(row.id), row.revision, WithReceipt(row));
}

}  // namespace

std::string RowIds::Note(const NaiveJoin::Identity& identity, const RowId& id) {
  const auto its_id = id_of_.emplace(identity, id).first->second;
  if (its_id != id) {
    return fmt::format("\na row had the id {}, now {}", ToHex(its_id), ToHex(id));
  }
  if (identity_of_.emplace(id, identity).first->second == identity) return "";
  return fmt::format("\ntwo rows have the id {}", ToHex(id));
}

std::string CheckedEngine::Apply(const std::vector<Event>& batch) {
  naive_.Apply(batch);
  log_.push_back({batch, {}, engine_->sample_horizon(), engine_->row_horizon()});
  std::string wrong = Fold(engine_->Apply(batch, kApplied));
  wrong += FoldAlerts();
  KeepReports();
  return wrong.empty() ? Compare() : wrong;
}

std::string CheckedEngine::Expire(Timestamp sample_horizon, Timestamp row_horizon) {
  naive_.Expire(sample_horizon, row_horizon);
  std::string wrong = Fold(engine_->Expire(sample_horizon, row_horizon, kApplied));
  wrong += FoldAlerts();
  log_.push_back({{}, {}, sample_horizon, row_horizon});
  KeepReports();
  return wrong.empty() ? Compare() : wrong;
}

void CheckedEngine::KeepReports() {
  for (const AlertReport& report : engine_->ChangedReports()) {
    const ReportKey key{report.source, report.fingerprint, report.starts_at};
    if (report.gone()) {
      reports_.erase(key);
    } else {
      reports_.insert_or_assign(key, report);
    }
  }
}

void CheckedEngine::TrimLog() {
  Timestamp newest = Timestamp::Min();
  size_t entries = 0;
  for (const LogEntry& entry : log_) {
    Timestamp newest_here = newest;
    for (const std::vector<Event>* events : {&entry.events, &entry.carried}) {
      for (const Event& event : *events) {
        const auto* samples = std::get_if<SampleBatch>(&event);
        if (samples == nullptr) continue;
        for (const Timestamp time : samples->times) newest_here = std::max(newest_here, time);
      }
    }
    if (newest_here >= engine_->sample_horizon()) break;
    newest = newest_here;
    ++entries;
  }
  log_.push_back(
      {{}, engine_->CarryOver(newest), engine_->sample_horizon(), engine_->row_horizon()});
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(entries));
}

std::string CheckedEngine::Restart() {
  auto engine = std::make_unique<Engine>(EngineLimits{});
  for (const LogEntry& entry : log_) {
    (void)engine->Expire(entry.sample_horizon, entry.row_horizon, kApplied);
    std::vector<Event> events = entry.events;
    std::erase_if(events, [](const Event& event) { return TransitionOf(event) != nullptr; });
    const auto changes = engine->Apply(std::move(events), kApplied);
    if (!changes.empty()) return "a change without a transition";
    engine->Carry(entry.carried);
  }
  EngineRestore restore(*engine);
  for (const auto& [key, report] : reports_) restore.AddReport(report);
  std::map<RowId, Alert> restored;
  for (Alert& alert : restore.EndReports()) {
    const RowId id = alert.id;
    if (!restored.emplace(id, std::move(alert)).second) return "an alert was restored twice";
  }
  const std::string alerts = DescribeAlerts(restored);
  if (alerts != DescribeAlerts(alerts_)) {
    return "alerts were\n" + DescribeAlerts(alerts_) + "and were restored as\n" + alerts;
  }
  for (const auto& [id, row] : folded_) {
    // What is read from a disk shares nothing.
    JoinedRow stored = row;
    stored.transition = std::make_shared<const Transition>(*row.transition);
    if (row.binding != nullptr) stored.binding = std::make_shared<const Binding>(*row.binding);
    if (row.match.series != nullptr) {
      stored.match.series = std::make_shared<const SeriesKey>(*row.match.series);
    }
    const absl::Status added = restore.AddRow(stored);
    if (!added.ok()) return MessageOf(added);
  }
  engine_ = std::move(engine);
  return Apply({});
}

std::string CheckedEngine::Fold(const std::vector<JoinedRow>& changes) {
  std::set<RowId> changed;
  for (const JoinedRow& row : changes) {
    const std::string text = DescribeChange(row);
    if (!changed.insert(row.id).second) return "two changes of a row in one batch: " + text;
    const auto known = folded_.find(row.id);
    const uint64_t before = known == folded_.end() ? 0 : known->second.revision;
    if (row.revision != before + 1) return fmt::format("behind revision {}: {}", before, text);
    if (row.operation == Operation::kUpsert) {
      const bool is_same = before > 0 && WithReceipt(row) == WithReceipt(known->second);
      if (is_same) return "a revision that changes nothing: " + text;
      folded_.insert_or_assign(row.id, row);
    } else {
      if (before == 0) return "a row is deleted that never was: " + text;
      folded_.erase(known);
    }
  }
  return "";
}

std::string CheckedEngine::Compare() {
  std::map<std::string, NaiveJoin::Identity> expected;
  for (const auto& [identity, row] : naive_.rows()) expected.emplace(WithReceipt(row), identity);
  const std::vector<JoinedRow> rows = engine_->Rows();
  std::string wrong;
  for (const JoinedRow& row : rows) {
    const auto found = expected.find(WithReceipt(row));
    if (found == expected.end()) {
      wrong += "\nthe engine has " + WithId(row);
      continue;
    }
    wrong += ids_.Note(found->second, row.id);
    expected.erase(found);
    const auto folded = folded_.find(row.id);
    if (folded == folded_.end()) {
      wrong += "\nno change gave " + WithId(row);
    } else if (WithId(folded->second) != WithId(row)) {
      wrong += "\nthe changes give " + WithId(folded->second) + ", the list " + WithId(row);
    }
  }
  for (const auto& [text, identity] : expected) wrong += "\nthe engine lacks " + text;
  if (folded_.size() != rows.size()) wrong += "\nrows that are gone were not deleted";
  return wrong + CompareAlerts();
}

std::string CheckedEngine::FoldAlerts() {
  std::set<RowId> changed;
  for (Alert& alert : engine_->TakeAlerts()) {
    if (!changed.insert(alert.id).second) return "\ntwo changes of an alert in one batch";
    if (alert.operation == Operation::kDelete) {
      alerts_.erase(alert.id);
    } else {
      const RowId id = alert.id;
      alerts_.insert_or_assign(id, std::move(alert));
    }
  }
  return "";
}

// Every alert is the newest transition of the rows of its episode.
std::string CheckedEngine::CompareAlerts() {
  using Episode = std::tuple<std::string, std::string, Timestamp>;
  std::map<Episode, std::string> expected;
  for (const JoinedRow& row : engine_->Rows()) {
    const Transition& transition = *row.transition;
    std::string& newest =
        expected[{transition.source, transition.fingerprint, transition.starts_at}];
    newest = std::max(newest, DescribeMoments(transition));
  }
  std::string wrong;
  for (const auto& [id, alert] : alerts_) {
    const Transition& transition = *alert.transition;
    const auto found =
        expected.find({transition.source, transition.fingerprint, transition.starts_at});
    if (found == expected.end() || found->second != DescribeMoments(transition)) {
      wrong += "\nno episode is as the alert " + ToHex(id) + " " + DescribeMoments(transition);
    } else {
      expected.erase(found);
    }
  }
  for (const auto& [episode, text] : expected) wrong += "\nno alert is of the episode " + text;
  return wrong;
}

std::vector<std::string> CheckedEngine::RowsWithIds() const {
  std::vector<std::string> texts;
  for (const JoinedRow& row : engine_->Rows()) {
    texts.push_back(ToHex(row.id) + " " + DescribeFully(row));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace alertjoin
