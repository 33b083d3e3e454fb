#include "ingest-service/backfill/backfill_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimeRange Range(int64_t from, int64_t through) {
  return {Timestamp::FromMillis(from), Timestamp::FromMillis(through)};
}

class BackfillStateTest : public ::testing::Test {
 protected:
  BackfillState Open(const std::string& store_id = "one") {
    auto state = BackfillState::Open(folder_ / "some/where", store_id);
    EXPECT_TRUE(state.ok()) << state.status();
    return *std::move(state);
  }
  void Write(const std::string& text) { std::ofstream(Open().PathOf(task_)) << text; }

  TemporaryFolder folder_;
  BackfillTask task_{{"prom", "a \"b\"\n\xc3\xa4", "up", TimeKind::kSample}, {}, std::nullopt};
};

TEST_F(BackfillStateTest, WhatWasSavedIsThereAgain) {
  TimeRanges done;
  done.Add(Range(-5, 10));
  done.Add(Range(20, 30));
  ASSERT_THAT(Open().Save(task_, done), IsOk());
  EXPECT_THAT(Open().Load(task_).All(), ElementsAre(Range(-5, 10), Range(20, 30)));
  done.Add(Range(11, 19));
  ASSERT_THAT(Open().Save(task_, done), IsOk());
  EXPECT_THAT(Open().Load(task_).All(), ElementsAre(Range(-5, 30)));
}

TEST_F(BackfillStateTest, EachQueryAndStepHasItsOwn) {
  TimeRanges done;
  done.Add(Range(0, 10));
  ASSERT_THAT(Open().Save(task_, done), IsOk());
  // The times are not part of the identity.
  task_.wanted = Range(500, 600);
  EXPECT_THAT(Open().Load(task_).All(), ElementsAre(Range(0, 10)));
  for (const auto& change : std::vector<std::function<void(BackfillTask&)>>{
           [](BackfillTask& task) { task.query.source = "other"; },
           [](BackfillTask& task) { task.query.name = "other"; },
           [](BackfillTask& task) { task.query.expression = "other"; },
           [](BackfillTask& task) { task.step = Millis(1000); }}) {
    BackfillTask other = task_;
    change(other);
    EXPECT_THAT(Open().Load(other).All(), IsEmpty());
  }
}

// The correlator has lost what it had.
TEST_F(BackfillStateTest, WhatAnotherStoreWasGivenDoesNotCount) {
  TimeRanges done;
  done.Add(Range(0, 10));
  ASSERT_THAT(Open().Save(task_, done), IsOk());
  EXPECT_THAT(Open("other").Load(task_).All(), IsEmpty());
  EXPECT_THAT(Open().Load(task_).All(), ElementsAre(Range(0, 10)));
  ASSERT_THAT(Open("other").Save(task_, done), IsOk());
  EXPECT_THAT(Open("other").Load(task_).All(), ElementsAre(Range(0, 10)));
  EXPECT_THAT(Open().Load(task_).All(), IsEmpty());
  // As earlier versions wrote it.
  std::ifstream file(Open().PathOf(task_));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  text.replace(text.find(R"(,"store":"other")"), 16, "");
  Write(text);
  EXPECT_THAT(Open("other").Load(task_).All(), IsEmpty());
}

TEST_F(BackfillStateTest, AFileThatCannotBeReadIsAsNone) {
  for (const char* text : {"", "{", "null", "{\"identity\":{}}", "[]"}) {
    Write(text);
    EXPECT_THAT(Open().Load(task_).All(), IsEmpty()) << text;
  }
  TimeRanges done;
  done.Add(Range(0, 10));
  ASSERT_THAT(Open().Save(task_, done), IsOk());
  std::ifstream file(Open().PathOf(task_));
  const std::string good((std::istreambuf_iterator<char>(file)), {});
  for (const char* ranges : {"[[10,0]]", "[[0]]", "[[0,\"1\"]]", "[0]", "[[0,1e300]]",
                             "[[0,9223372036854775807]]", "[[-9223372036854775808,0]]"}) {
    std::string bad = good;
    bad.replace(bad.find("[[0,10]]"), 8, ranges);
    Write(bad);
    EXPECT_THAT(Open().Load(task_).All(), IsEmpty()) << ranges;
  }
}

TEST_F(BackfillStateTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THAT(BackfillState::Open(folder_ / "file/below", "one"),
              StatusIs(absl::StatusCode::kUnavailable, "file/below: cannot be made"));
}

}  // namespace
}  // namespace alertjoin
