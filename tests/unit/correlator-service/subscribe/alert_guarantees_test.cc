// The guarantees that readers of alerts are given, each a test of its name: those of rows, on the
// same cursor, over another table.

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <functional>
#include <optional>
#include <set>
#include <tuple>

#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "tests/support/alerts.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using Kind = SubscriptionStep::Kind;

std::vector<AlertFilter> AlertFilters() {
  std::vector<AlertFilter> filters(4);
  filters[1].matchers = *ParseMatchers("severity=critical,alertname=~\"alert[0-4]\"");
  filters[2].state = AlertState::kFiring;
  filters[3].state = AlertState::kResolved;
  filters[3].source = "am";
  return filters;
}

// What a subscriber knows: folds messages into a table.
class FoldedAlerts {
 public:
  void Apply(const SubscriptionMessage& message) {
    if (const auto* alerts = std::get_if<AlertsMessage>(&message.body)) {
      for (const auto& [alert, operation] : alerts->entries) {
        if (operation == Operation::kDelete) {
          table_.erase(alert->id);
        } else {
          table_[alert->id] = Describe(*alert);
        }
        if (complete_) sequence_ = alert->sequence;
      }
    }
    if (const auto* complete = std::get_if<SnapshotCompleteMessage>(&message.body)) {
      complete_ = true;
      sequence_ = complete->sequence;
    }
    if (const auto* progress = std::get_if<ProgressMessage>(&message.body)) {
      EXPECT_TRUE(progress->queries->empty());
      sequence_ = progress->sequence;
    }
    if (const auto* gap = std::get_if<GapMessage>(&message.body); gap != nullptr && complete_) {
      sequence_ = gap->set->sequence;
    }
  }
  const DescribedRows& table() const { return table_; }
  bool complete() const { return complete_; }
  Sequence sequence() const { return sequence_; }

 private:
  DescribedRows table_;
  bool complete_ = false;
  Sequence sequence_;
};

// Alert id and whether it is an UPSERT, by sequence, after the snapshot. A sequence in two messages
// fails the test.
std::map<Sequence, std::map<RowId, bool>> LiveAlerts(
    const std::vector<SubscriptionMessage>& messages) {
  std::map<Sequence, std::map<RowId, bool>> changes;
  bool complete = false;
  for (const SubscriptionMessage& message : messages) {
    complete = complete || std::holds_alternative<SnapshotCompleteMessage>(message.body);
    const auto* const alerts = std::get_if<AlertsMessage>(&message.body);
    if (alerts == nullptr || !complete) continue;
    std::map<Sequence, std::map<RowId, bool>> of_message;
    for (const auto& [alert, operation] : alerts->entries) {
      of_message[alert->sequence][alert->id] = operation == Operation::kUpsert;
    }
    for (auto& [sequence, alerts_of_sequence] : of_message) {
      EXPECT_TRUE(changes.emplace(sequence, std::move(alerts_of_sequence)).second)
          << "sequence " << sequence.value() << " in two messages";
    }
  }
  return changes;
}

// A random writer and a subscriber take turns at arbitrary steps; the subscriber may be cut off
// after any message and go on with its token.
class AlertGuaranteesTest : public testing::TestWithParam<std::tuple<size_t, bool>> {
 protected:
  AlertFilter filter() const { return AlertFilters()[std::get<0>(GetParam())]; }

  void ForEachRun(const std::function<void()>& check) {
    const uint64_t seed = TestSeed();
    for (uint64_t run = 0; run < 5; ++run) {
      prometheus::Registry registry;
      store_ = std::make_unique<MemoryRowStore>(registry);
      cache_ = std::make_unique<AlertSelectionCache>();
      // Another with the same filter, so that the selections are shared.
      const auto neighbour = cache_->Of(filter());
      writer_.emplace(*store_, seed + run);
      messages_.clear();
      ASSERT_NO_FATAL_FAILURE(Run());
      ASSERT_NO_FATAL_FAILURE(check());
      if (HasFailure()) return;
    }
  }
  AlertCursor Subscribe(const std::string& token, MessageLimits limits = {}) {
    AlertArguments arguments;
    arguments.filter = filter();
    arguments.resume_token = token;
    return AlertCursor::Create(*store_, arguments, kRowsNow, limits, cache_.get()).value();
  }
  Sequence complete_at() const {
    for (const SubscriptionMessage& message : messages_) {
      const auto* complete = std::get_if<SnapshotCompleteMessage>(&message.body);
      if (complete != nullptr) return complete->sequence;
    }
    ADD_FAILURE() << "no snapshot_complete";
    return Sequence();
  }

  std::unique_ptr<MemoryRowStore> store_;
  std::unique_ptr<AlertSelectionCache> cache_;
  std::optional<RandomAlertWriter> writer_;
  std::vector<SubscriptionMessage> messages_;

 private:
  void Run() {
    const MessageLimits limits{3, 1 << 20};
    for (uint64_t i = writer_->Draw(30); i > 0; --i) writer_->Commit();
    AlertCursor cursor = Subscribe("", limits);
    for (int steps = 0;; ++steps) {
      const bool writing = steps < 150;
      if (writing && writer_->Draw(2) == 0) writer_->Commit();
      const bool cut_off = std::get<1>(GetParam()) && !messages_.empty() && writer_->Draw(3) == 0;
      if (cut_off && writing) cursor = Subscribe(messages_.back().resume_token, limits);
      const auto step = cursor.Next(writing && writer_->Draw(10) == 0, kRowsNow);
      ASSERT_THAT(step, IsOk());
      if (step->kind == Kind::kMessage) messages_.push_back(*step->message);
      if (step->kind == Kind::kIdle && !writing) return;
    }
  }
};

TEST_P(AlertGuaranteesTest, Ordered) {
  ForEachRun([this] {
    Sequence last;
    bool complete = false;
    for (const SubscriptionMessage& message : messages_) {
      if (const auto* done = std::get_if<SnapshotCompleteMessage>(&message.body)) {
        ASSERT_FALSE(complete) << "two snapshots";
        complete = true;
        last = done->sequence;
      }
      const auto* const alerts = std::get_if<AlertsMessage>(&message.body);
      if (alerts == nullptr || !complete) continue;
      for (const auto& [alert, operation] : alerts->entries) {
        ASSERT_GE(alert->sequence, last);
        last = alert->sequence;
      }
    }
  });
}

TEST_P(AlertGuaranteesTest, Unique) {
  ForEachRun([this] {
    std::set<std::pair<RowId, Sequence>> seen;
    for (const SubscriptionMessage& message : messages_) {
      const auto* const alerts = std::get_if<AlertsMessage>(&message.body);
      if (alerts == nullptr) continue;
      for (const auto& entry : alerts->entries) {
        ASSERT_TRUE(seen.emplace(entry.alert->id, entry.alert->sequence).second) << "sent twice";
      }
    }
  });
}

TEST_P(AlertGuaranteesTest, Atomic) {
  ForEachRun([this] {
    const auto expected = writer_->ChangesAfter(complete_at(), filter());
    for (const auto& [sequence, changes] : LiveAlerts(messages_)) {
      ASSERT_EQ(changes, expected.at(sequence));
    }
  });
}

TEST_P(AlertGuaranteesTest, Reliable) {
  ForEachRun(
      [this] { ASSERT_EQ(LiveAlerts(messages_), writer_->ChangesAfter(complete_at(), filter())); });
}

TEST_P(AlertGuaranteesTest, Convergent) {
  ForEachRun([this] {
    FoldedAlerts folded;
    for (const SubscriptionMessage& message : messages_) {
      folded.Apply(message);
      if (!folded.complete()) continue;
      ASSERT_EQ(folded.table(), writer_->TableAt(folded.sequence(), filter()));
    }
    ASSERT_EQ(folded.table(), writer_->TableAt(store_->newest(), filter()));
  });
}

// From the token of every single message the rest of the stream leads to the same table.
TEST_P(AlertGuaranteesTest, Resumable) {
  ForEachRun([this] {
    FoldedAlerts folded;
    for (const SubscriptionMessage& message : messages_) {
      folded.Apply(message);
      AlertCursor cursor = Subscribe(message.resume_token);
      FoldedAlerts resumed = folded;
      for (;;) {
        const auto step = cursor.Next(false, kRowsNow);
        ASSERT_THAT(step, IsOk());
        if (step->kind == Kind::kIdle) break;
        if (step->kind == Kind::kMessage) resumed.Apply(*step->message);
      }
      ASSERT_TRUE(resumed.complete());
      ASSERT_EQ(resumed.table(), writer_->TableAt(store_->newest(), filter()));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(FiltersAndCuts, AlertGuaranteesTest,
                         testing::Combine(testing::Range<size_t>(0, 4), testing::Bool()));

}  // namespace
}  // namespace alertjoin
