// The promises of SubscribeJoinedRows, one test each, on what subscribers recorded under load and
// over restarts of the correlator.

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "tests/integration/read/recorded_run.h"

namespace alertjoin {
namespace {

using google::protobuf::util::MessageDifferencer;
using Response = v1::SubscribeJoinedRowsResponse;
using Table = std::map<std::string, v1::JoinedRow>;  // By row id.

class Guarantees : public ::testing::Test {
 protected:
  static const RecordedRun& run() { return TheRecordedRun(); }
};

// Calls visit(message, is_live): live is what comes behind the snapshot.
template <typename Visit>
void ForEachMessage(const Recording& recording, Visit visit) {
  bool is_live = false;
  for (const Response& message : recording.messages) {
    if (message.has_snapshot_complete()) {
      is_live = true;
    } else {
      visit(message, is_live);
    }
  }
}

void Fold(const v1::JoinedRow& row, Table& table) {
  if (row.operation() == v1::OPERATION_DELETE) {
    table.erase(row.row_id());
  } else {
    table[row.row_id()] = row;
  }
}

bool IsWanted(const v1::SubscribeJoinedRowsRequest& request, const v1::JoinedRow& row) {
  if (request.final_only() && !row.final()) return false;
  if (request.state() != v1::ALERT_STATE_UNSPECIFIED &&
      row.transition().state() != request.state()) {
    return false;
  }
  const auto label = [&row](const char* name) {
    const auto found = row.transition().labels().find(name);
    return found == row.transition().labels().end() ? "" : found->second;
  };
  if (request.filter() == "a=0") return label("a") == "0";
  if (!request.filter().empty()) return label("i") == "0" || label("i") == "2";
  return true;
}

// What a subscriber with the filter must hear of each sequence, by the reference: row id and
// operation. Only behind the reference's snapshot.
std::map<uint64_t, std::map<std::string, v1::Operation>> ExpectedChanges(
    const RecordedRun& run, const v1::SubscribeJoinedRowsRequest& request) {
  std::map<uint64_t, std::map<std::string, v1::Operation>> expected;
  Table table;
  ForEachMessage(run.reference(), [&](const Response& message, bool is_live) {
    for (const v1::JoinedRow& row : message.rows().rows()) {
      const auto before = table.find(row.row_id());
      const bool was = before != table.end() && IsWanted(request, before->second);
      const bool is = row.operation() == v1::OPERATION_UPSERT && IsWanted(request, row);
      if (is_live && is) expected[row.sequence()][row.row_id()] = v1::OPERATION_UPSERT;
      if (is_live && was && !is) expected[row.sequence()][row.row_id()] = v1::OPERATION_DELETE;
      Fold(row, table);
    }
  });
  return expected;
}

uint64_t SnapshotSequence(const Recording& recording) {
  for (const Response& message : recording.messages) {
    if (message.has_snapshot_complete()) return message.snapshot_complete().sequence();
  }
  return UINT64_MAX;
}

TEST_F(Guarantees, TheRunIsWorthIt) {
  EXPECT_GE(run().restarts, 5);
  EXPECT_GT(run().last_sequence, 200u);
  for (const Recording& recording : run().recordings) {
    EXPECT_GE(recording.streams, run().restarts);
    EXPECT_LT(SnapshotSequence(recording), run().last_sequence / 2);
  }
  EXPECT_GT(run().recordings[1].streams, 20);
}

TEST_F(Guarantees, Ordered) {
  for (const Recording& recording : run().recordings) {
    uint64_t sequence = 0;
    std::map<std::string, uint64_t> revisions;  // Of rows that are shown.
    ForEachMessage(recording, [&](const Response& message, bool is_live) {
      for (const v1::JoinedRow& row : message.rows().rows()) {
        if (is_live) {
          ASSERT_GE(row.sequence(), sequence);
          sequence = row.sequence();
        }
        ASSERT_GT(row.revision(), revisions[row.row_id()]) << row.ShortDebugString();
        revisions[row.row_id()] = row.revision();
        if (row.operation() == v1::OPERATION_DELETE) revisions.erase(row.row_id());
      }
      if (message.has_progress()) {
        ASSERT_GE(message.progress().sequence(), sequence);
        sequence = message.progress().sequence();
      }
    });
  }
}

TEST_F(Guarantees, Unique) {
  for (const Recording& recording : run().recordings) {
    std::set<std::tuple<std::string, uint64_t, uint64_t>> seen;
    ForEachMessage(recording, [&](const Response& message, bool) {
      for (const v1::JoinedRow& row : message.rows().rows()) {
        ASSERT_TRUE(seen.emplace(row.row_id(), row.revision(), row.sequence()).second)
            << row.ShortDebugString();
      }
    });
  }
}

TEST_F(Guarantees, Atomic) {
  for (const Recording& recording : run().recordings) {
    std::set<uint64_t> ended;
    ForEachMessage(recording, [&](const Response& message, bool is_live) {
      if (!is_live) return;
      std::set<uint64_t> here;
      for (const v1::JoinedRow& row : message.rows().rows()) here.insert(row.sequence());
      for (const uint64_t sequence : here) {
        ASSERT_TRUE(ended.insert(sequence).second)
            << "sequence " << sequence << " is in two messages";
      }
    });
  }
}

TEST_F(Guarantees, Reliable) {
  // Every sequence is there: one with rows, one with alerts alone, or one that is a gap.
  std::set<uint64_t> with_alerts;
  for (const v1::SubscribeAlertsResponse& message : run().alert_recordings[0].messages) {
    for (const v1::Alert& alert : message.alerts().alerts()) with_alerts.insert(alert.sequence());
  }
  uint64_t reached = SnapshotSequence(run().reference());
  uint64_t gaps = 0;
  const auto alerts_before = [&](uint64_t sequence) {
    return static_cast<uint64_t>(
        std::distance(with_alerts.upper_bound(reached), with_alerts.lower_bound(sequence)));
  };
  ForEachMessage(run().reference(), [&](const Response& message, bool is_live) {
    if (!is_live) return;
    if (message.has_gap()) ++gaps;
    for (const v1::JoinedRow& row : message.rows().rows()) {
      if (row.sequence() == reached) continue;
      ASSERT_EQ(row.sequence(), reached + gaps + alerts_before(row.sequence()) + 1);
      reached = row.sequence();
      gaps = 0;
    }
  });
  EXPECT_EQ(reached + gaps + alerts_before(UINT64_MAX), run().last_sequence);
}

TEST_F(Guarantees, Resumable) {
  // However often a stream was cut: what came is what must come, no more and no less.
  for (const Recording& recording : run().recordings) {
    const uint64_t from =
        std::max(SnapshotSequence(recording), SnapshotSequence(run().reference()));
    auto expected = ExpectedChanges(run(), recording.request);
    expected.erase(expected.begin(), expected.upper_bound(from));
    std::map<uint64_t, std::map<std::string, v1::Operation>> changes;
    ForEachMessage(recording, [&](const Response& message, bool is_live) {
      if (!is_live) return;
      for (const v1::JoinedRow& row : message.rows().rows()) {
        if (row.sequence() > from) changes[row.sequence()][row.row_id()] = row.operation();
      }
    });
    ASSERT_EQ(changes, expected) << recording.request.ShortDebugString();
  }
}

TEST_F(Guarantees, Convergent) {
  for (size_t i = 0; i < run().recordings.size(); ++i) {
    Table table;
    ForEachMessage(run().recordings[i], [&](const Response& message, bool) {
      for (const v1::JoinedRow& row : message.rows().rows()) Fold(row, table);
    });
    ASSERT_EQ(table.size(), run().lists[i].size());
    for (const v1::JoinedRow& row : run().lists[i]) {
      const auto folded = table.find(row.row_id());
      ASSERT_NE(folded, table.end()) << row.ShortDebugString();
      ASSERT_TRUE(MessageDifferencer::Equals(folded->second, row))
          << folded->second.ShortDebugString() << "\n"
          << row.ShortDebugString();
    }
  }
}

TEST_F(Guarantees, Live) {
  // The subscribers were there before the first row: their snapshots were complete at once.
  for (const Recording& recording : run().recordings) {
    ASSERT_FALSE(recording.messages.empty());
    size_t rows_before = 0;
    ForEachMessage(recording, [&](const Response& message, bool is_live) {
      if (!is_live) rows_before += static_cast<size_t>(message.rows().rows_size());
    });
    EXPECT_LT(rows_before, 20u);
  }
}

// The newest value of each series and time; a stale marker has none.
using SampleTable = std::map<std::pair<std::string, int64_t>, std::string>;

void FoldSamples(const v1::SeriesSamples& series, SampleTable& table) {
  std::string name = series.series().query().name();
  const std::map<std::string, std::string> labels(series.series().labels().begin(),
                                                  series.series().labels().end());
  for (const auto& [label, value] : labels) name += fmt::format(",{}={}", label, value);
  for (const v1::Sample& sample : series.samples()) {
    const int64_t ms = sample.time().seconds() * 1000 + sample.time().nanos() / 1'000'000;
    table[{name, ms}] = sample.has_value() ? fmt::format("{}", sample.value()) : "stale";
  }
}

TEST_F(Guarantees, SamplesFoldToTheListAlsoOverRestarts) {
  SampleTable folded;
  for (const v1::SubscribeSamplesResponse& message : run().samples.messages) {
    for (const v1::SeriesSamples& series : message.samples().series()) FoldSamples(series, folded);
  }
  SampleTable listed;
  for (const v1::SeriesSamples& series : run().listed_samples) FoldSamples(series, listed);
  EXPECT_GT(listed.size(), 50u);
  EXPECT_EQ(folded, listed);
  EXPECT_GT(run().samples.streams, run().restarts);
}

}  // namespace
}  // namespace alertjoin
