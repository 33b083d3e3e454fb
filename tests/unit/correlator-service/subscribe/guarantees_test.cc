// The guarantees that readers are given, each a test of its name (Live stands with the cursor's).

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <tuple>

#include "tests/support/seed.h"
#include "tests/unit/correlator-service/subscribe/cursor_fixture.h"

namespace alertjoin {
namespace {

// A random writer and a subscriber take turns at arbitrary steps; the subscriber may be cut off
// after any message and go on with its token. Each guarantee is checked on what the subscriber
// received.
class GuaranteesTest : public SubscriptionCursorTest,
                       public testing::WithParamInterface<std::tuple<size_t, bool>> {
 protected:
  RowFilter filter() const { return Filters()[std::get<0>(GetParam())]; }

  // Several runs, each checked by `check` at its end.
  void ForEachRun(const std::function<void()>& check) {
    const uint64_t seed = TestSeed();
    for (uint64_t run = 0; run < 5; ++run) {
      Open({});
      writer_.emplace(store(), seed + run);
      messages_.clear();
      ASSERT_NO_FATAL_FAILURE(Run());
      ASSERT_NO_FATAL_FAILURE(check());
      if (HasFailure()) return;
    }
  }

  // Of the message that completed the snapshot.
  Sequence complete_at() const {
    for (const SubscriptionMessage& message : messages_) {
      const auto* complete = std::get_if<SnapshotCompleteMessage>(&message.body);
      if (complete != nullptr) return complete->sequence;
    }
    ADD_FAILURE() << "no snapshot_complete";
    return Sequence();
  }

  std::optional<RandomRowWriter> writer_;
  std::vector<SubscriptionMessage> messages_;

 private:
  void Run() {
    const MessageLimits limits{3, 1 << 20};
    for (uint64_t i = writer_->Draw(30); i > 0; --i) writer_->Commit();
    SubscriptionArguments arguments;
    arguments.filter = filter();
    SubscriptionCursor cursor = Subscribe(arguments, limits);
    for (int steps = 0;; ++steps) {
      const bool writing = steps < 150;
      if (writing && writer_->Draw(2) == 0) writer_->Commit();
      const bool cut_off = std::get<1>(GetParam()) && !messages_.empty() && writer_->Draw(3) == 0;
      if (cut_off && writing) {
        arguments.resume_token = messages_.back().resume_token;
        cursor = Subscribe(arguments, limits);
      }
      const auto step = cursor.Next(writing && writer_->Draw(10) == 0, kRowsNow);
      ASSERT_THAT(step, IsOk());
      if (step->kind == Kind::kMessage) messages_.push_back(*step->message);
      if (step->kind == Kind::kIdle && !writing) return;
    }
  }
};

TEST_P(GuaranteesTest, Ordered) {
  ForEachRun([this] { ExpectOrdered(messages_); });
}

TEST_P(GuaranteesTest, Unique) {
  ForEachRun([this] { ExpectUnique(messages_); });
}

TEST_P(GuaranteesTest, Atomic) {
  ForEachRun([this] {
    const auto expected = writer_->ChangesAfter(complete_at(), filter());
    for (const auto& [sequence, changes] : LiveChanges(messages_)) {
      ASSERT_EQ(changes, expected.at(sequence));
    }
  });
}

TEST_P(GuaranteesTest, Reliable) {
  ForEachRun([this] {
    ASSERT_EQ(LiveChanges(messages_), writer_->ChangesAfter(complete_at(), filter()));
  });
}

TEST_P(GuaranteesTest, Convergent) {
  ForEachRun([this] {
    FoldedRows folded;
    for (const SubscriptionMessage& message : messages_) {
      folded.Apply(message);
      if (!folded.snapshot_complete()) continue;
      ASSERT_EQ(folded.rows(), writer_->TableAt(folded.sequence(), filter()));
    }
    ASSERT_EQ(folded.rows(), writer_->TableAt(store().newest(), filter()));
  });
}

// From the token of every single message the rest of the stream leads to the same table.
TEST_P(GuaranteesTest, Resumable) {
  ForEachRun([this] {
    FoldedRows folded;
    for (const SubscriptionMessage& message : messages_) {
      folded.Apply(message);
      SubscriptionArguments arguments;
      arguments.filter = filter();
      arguments.resume_token = message.resume_token;
      SubscriptionCursor cursor = Subscribe(arguments);
      FoldedRows resumed = folded;
      Drain(cursor, resumed);
      ASSERT_TRUE(resumed.snapshot_complete());
      ASSERT_EQ(resumed.rows(), writer_->TableAt(store().newest(), filter()));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(FiltersAndCuts, GuaranteesTest,
                         testing::Combine(testing::Range<size_t>(0, 5), testing::Bool()));

}  // namespace
}  // namespace alertjoin
