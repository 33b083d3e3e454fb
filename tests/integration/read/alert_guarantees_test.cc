// The promises of SubscribeAlerts, on what subscribers recorded under load and over restarts of the
// correlator.

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "tests/integration/read/recorded_run.h"

namespace alertjoin {
namespace {

using Table = std::map<std::string, std::string>;  // Alerts as text, by id.

class AlertGuarantees : public ::testing::Test {
 protected:
  static const RecordedRun& run() { return TheRecordedRun(); }
};

// Calls visit(message, is_live): live is what comes behind the snapshot.
template <typename Visit>
void ForEachMessage(const AlertRecording& recording, Visit visit) {
  bool is_live = false;
  for (const v1::SubscribeAlertsResponse& message : recording.messages) {
    if (message.has_snapshot_complete()) {
      is_live = true;
    } else {
      visit(message, is_live);
    }
  }
}

// Without what differs by how one was told of it.
std::string Text(v1::Alert alert) {
  alert.clear_operation();
  std::string text = alert.alert_id() + " " + std::to_string(alert.sequence()) + " " +
                     std::to_string(alert.transition().state()) + " " +
                     alert.received_time().ShortDebugString() + " " +
                     alert.transition().starts_at().ShortDebugString() + " " +
                     alert.transition().ends_at().ShortDebugString();
  for (const std::string name : {"i", "x", "a", "alertname"}) {
    const auto found = alert.transition().labels().find(name);
    if (found != alert.transition().labels().end()) text += " " + name + "=" + found->second;
  }
  return text;
}

void Fold(const v1::Alert& alert, Table& table) {
  if (alert.operation() == v1::OPERATION_DELETE) {
    table.erase(alert.alert_id());
  } else {
    table[alert.alert_id()] = Text(alert);
  }
}

TEST_F(AlertGuarantees, TheRunIsWorthIt) {
  ASSERT_EQ(run().alert_recordings.size(), 4u);
  for (const AlertRecording& recording : run().alert_recordings) {
    EXPECT_GE(recording.streams, run().restarts);
  }
  EXPECT_GT(run().alert_recordings[1].streams, 20);
  EXPECT_GT(run().alert_lists[0].size(), 20u);
}

TEST_F(AlertGuarantees, Ordered) {
  for (const AlertRecording& recording : run().alert_recordings) {
    uint64_t sequence = 0;
    ForEachMessage(recording, [&](const v1::SubscribeAlertsResponse& message, bool is_live) {
      for (const v1::Alert& alert : message.alerts().alerts()) {
        if (!is_live) continue;
        ASSERT_GE(alert.sequence(), sequence);
        sequence = alert.sequence();
      }
      if (message.has_progress()) {
        ASSERT_GE(message.progress().sequence(), sequence);
        sequence = message.progress().sequence();
      }
    });
  }
}

TEST_F(AlertGuarantees, Unique) {
  for (const AlertRecording& recording : run().alert_recordings) {
    std::set<std::tuple<std::string, uint64_t>> seen;
    ForEachMessage(recording, [&](const v1::SubscribeAlertsResponse& message, bool) {
      for (const v1::Alert& alert : message.alerts().alerts()) {
        ASSERT_TRUE(seen.emplace(alert.alert_id(), alert.sequence()).second)
            << alert.ShortDebugString();
      }
    });
  }
}

// Those who were cut off often got the same changes as those who were not, and the sequences whole.
TEST_F(AlertGuarantees, ReliableAndAtomic) {
  for (size_t i = 0; i < run().alert_recordings.size(); i += 2) {
    std::vector<std::map<uint64_t, std::map<std::string, v1::Operation>>> changes;
    uint64_t from = 0;
    for (size_t which : {i, i + 1}) {
      auto& of_one = changes.emplace_back();
      for (const auto& message : run().alert_recordings[which].messages) {
        if (message.has_snapshot_complete()) {
          from = std::max<uint64_t>(from, message.snapshot_complete().sequence());
        }
      }
      ForEachMessage(run().alert_recordings[which], [&](const v1::SubscribeAlertsResponse& message,
                                                        bool is_live) {
        std::set<uint64_t> in_message;
        for (const v1::Alert& alert : message.alerts().alerts()) {
          if (!is_live) continue;
          const bool is_known = of_one.contains(alert.sequence());
          ASSERT_EQ(is_known, in_message.contains(alert.sequence())) << "in two messages";
          in_message.insert(alert.sequence());
          of_one[alert.sequence()][alert.alert_id()] = alert.operation();
        }
      });
    }
    for (auto& of_one : changes) of_one.erase(of_one.begin(), of_one.upper_bound(from));
    ASSERT_GT(changes[0].size(), 20u);
    ASSERT_EQ(changes[0], changes[1]);
  }
}

TEST_F(AlertGuarantees, ConvergentAndResumable) {
  for (size_t i = 0; i < run().alert_recordings.size(); ++i) {
    Table folded;
    ForEachMessage(run().alert_recordings[i],
                   [&](const v1::SubscribeAlertsResponse& message, bool) {
                     for (const v1::Alert& alert : message.alerts().alerts()) Fold(alert, folded);
                   });
    Table listed;
    for (const v1::Alert& alert : run().alert_lists[i]) listed[alert.alert_id()] = Text(alert);
    ASSERT_EQ(folded, listed);
  }
}

// The rows of an episode tell the same of it.
TEST_F(AlertGuarantees, AgreesWithTheRows) {
  using Episode = std::tuple<std::string, std::string, int64_t>;
  const auto episode_of = [](const v1::Transition& transition) {
    return Episode(
        transition.source(), transition.fingerprint(),
        transition.starts_at().seconds() * 1'000'000'000 + transition.starts_at().nanos());
  };
  std::map<Episode, int> newest;
  for (const v1::JoinedRow& row : run().lists[0]) {
    int& state = newest[episode_of(row.transition())];
    state = std::max<int>(state, row.transition().state());
  }
  std::map<Episode, int> alerts;
  for (const v1::Alert& alert : run().alert_lists[0]) {
    alerts[episode_of(alert.transition())] = alert.transition().state();
  }
  EXPECT_EQ(alerts, newest);
  EXPECT_EQ(alerts.size(), run().alert_lists[0].size());
}

}  // namespace
}  // namespace alertjoin
