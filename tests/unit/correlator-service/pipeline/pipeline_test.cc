#include "correlator-service/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "correlator-service/rows/memory_row_store.h"
#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

class PipelineTest : public ::testing::Test {
 protected:
  std::vector<std::string> Rows() {
    std::vector<JoinedRow> rows;
    for (const SharedRow& row : store_.ReadRows({}, 1'000).rows) rows.push_back(*row);
    return Describe(rows);
  }
  // Retention that never applies to times near the epoch.
  static PipelineOptions Forever() {
    PipelineOptions options;
    options.sample_retention = options.row_retention = std::chrono::hours(24 * 365 * 500);
    return options;
  }

  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
};

TEST_F(PipelineTest, RowsArePublishedBeforeTheProducerHearsOfIt) {
  Pipeline pipeline(Forever(), store_, SystemClock(), registry_);
  pipeline.Start();
  std::promise<std::vector<std::string>> seen;
  ASSERT_TRUE(pipeline.TryPush({{Samples("q", {{"i", "1"}}, {{90, 1}}),
                                 Firing({{"i", "1"}}, 100, {BindOn("q")}), Covered("q", 0, 100)},
                                [&] { seen.set_value(Rows()); }}));
  EXPECT_THAT(seen.get_future().get(), ElementsAre("FIRING @100 q{i=\"1\"} MATCHED 1 @90 final"));
  pipeline.Stop();
  ASSERT_EQ(store_.Progress()->size(), 1u);
  EXPECT_EQ(store_.Progress()->at(0).complete_through, At(100));
}

TEST_F(PipelineTest, StopAppliesWhatIsQueuedAndRefusesTheRest) {
  Pipeline pipeline(Forever(), store_, SystemClock(), registry_);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(pipeline.TryPush({{Firing({{"i", std::to_string(i)}}, 100, {})}, nullptr}));
  }
  pipeline.Start();
  pipeline.Stop();
  EXPECT_EQ(Rows().size(), 200u);
  EXPECT_FALSE(pipeline.TryPush({{Firing({{"i", "x"}}, 100, {})}, nullptr}));
}

TEST_F(PipelineTest, AFullQueueRefuses) {
  PipelineOptions options = Forever();
  options.queue_batches_max = 1;
  Pipeline pipeline(options, store_, SystemClock(), registry_);
  IntakeBatch first{{Firing({{"i", "1"}}, 100, {})}, nullptr};
  IntakeBatch second{{Firing({{"i", "2"}}, 100, {})}, nullptr};
  EXPECT_TRUE(pipeline.TryPush(std::move(first)));
  EXPECT_FALSE(pipeline.TryPush(std::move(second)));
  EXPECT_EQ(second.events.size(), 1u);
}

TEST_F(PipelineTest, RetentionDeletesRowsByItself) {
  PipelineOptions options = Forever();
  options.row_retention = std::chrono::hours(1);  // The rows are of 1970.
  options.expiry_interval = Millis(1);
  Pipeline pipeline(options, store_, SystemClock(), registry_);
  // Pushed before the start, so that it is applied before the first expiry.
  ASSERT_TRUE(pipeline.TryPush({{Firing({{"i", "1"}}, 100, {})}, nullptr}));
  pipeline.Start();
  while (store_.newest() < Sequence(2)) std::this_thread::yield();
  pipeline.Stop();
  EXPECT_TRUE(Rows().empty());
}

TEST_F(PipelineTest, AGapIsPassedOn) {
  Pipeline pipeline(Forever(), store_, SystemClock(), registry_);
  ASSERT_TRUE(pipeline.TryPush({{Gap{"prom", {}, At(1), At(2), "too slow", false}}, nullptr}));
  pipeline.Start();
  pipeline.Stop();
  const auto changes = store_.ReadChanges(Sequence(), 10, 1 << 20);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->sets.size(), 1u);
  EXPECT_EQ(changes->sets[0]->gap->reason, "too slow");
}

}  // namespace
}  // namespace alertjoin
