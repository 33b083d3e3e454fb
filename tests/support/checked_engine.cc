#include "tests/support/checked_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

// When the batches are applied: of no consequence for the rows.
constexpr Timestamp kApplied = Timestamp::FromMillis(1);

std::string WithId(const JoinedRow& row) {
  return fmt::format("{} {} {}", ToHex(row.id), row.revision, DescribeFully(row));
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
  const std::string wrong = Fold(engine_.Apply(batch, kApplied));
  return wrong.empty() ? Compare() : wrong;
}

std::string CheckedEngine::Expire(Timestamp sample_horizon, Timestamp row_horizon) {
  naive_.Expire(sample_horizon, row_horizon);
  const std::string wrong = Fold(engine_.Expire(sample_horizon, row_horizon, kApplied));
  return wrong.empty() ? Compare() : wrong;
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
      const bool is_same = before > 0 && DescribeFully(row) == DescribeFully(known->second);
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
  for (const auto& [identity, row] : naive_.rows()) expected.emplace(DescribeFully(row), identity);
  const std::vector<JoinedRow> rows = engine_.Rows();
  std::string wrong;
  for (const JoinedRow& row : rows) {
    const auto found = expected.find(DescribeFully(row));
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
  return wrong;
}

std::vector<std::string> CheckedEngine::RowsWithIds() const {
  std::vector<std::string> texts;
  for (const JoinedRow& row : engine_.Rows()) {
    texts.push_back(ToHex(row.id) + " " + DescribeFully(row));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace alertjoin
