#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/seed.h"
#include "tests/unit/ingest-service/reconcile/source_reconciler_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Rules that are evaluated less often than the lookback: most of the time their alerts have no
// sample that is young enough.
class SlowGroupsTest : public SourceReconcilerTest {
 protected:
  SlowGroupsTest() {
    options_.interval = std::chrono::seconds(30);
    options_.first_lookback = std::chrono::hours(1);
    prometheus_.interval = std::chrono::minutes(10);
  }

  // A state at each evaluation, 600 s apart; nothing changes after the last.
  void Script(const LabelSet& labels, const std::string& states) {
    prometheus_.scripts.push_back({labels, ScriptedAlerts::Each(600, states)});
  }
};

TEST_F(SlowGroupsTest, WhatFiresAtEachEvaluationIsTakenOnce) {
  Script(kA, "....." + std::string(20, 'f'));
  Script(kHeld, ".....pf" + std::string(20, 'f'));
  Begin();
  TickUntil(11'000);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +3000 ~3000", "Held +3600 ~3000"));
}

TEST_F(SlowGroupsTest, ItsEndIsTakenOnceItIsForgotten) {
  Script(kA, ".....fff......");
  Begin();
  TickUntil(6'550);
  EXPECT_THAT(Taken(), ElementsAre("A +3000 ~3000"));
  TickUntil(6'800);
  EXPECT_THAT(Taken(), ElementsAre("A +3000 ~3000", "A 3000-4800"));
}

TEST_F(SlowGroupsTest, ALaterProcessKnowsWhatFiredUnseenWhenItBegan) {
  Script(kA, "....." + std::string(20, 'f'));
  Script(kB, ".....fff......");
  Begin();
  TickUntil(3'100);
  taken_.clear();
  // Between two evaluations, and between the last one of B and its end.
  for (const int64_t s : {3'500, 4'150, 4'790, 5'400}) {
    TickUntil(s);
    Restart();
  }
  TickUntil(6'550);
  EXPECT_THAT(Taken(), IsEmpty());
  TickUntil(9'000);
  EXPECT_THAT(Taken(), ElementsAre("B 3000-4800"));
  EXPECT_EQ(reconciler_->covered(), reconciler_->read_through());
}

TEST_F(SlowGroupsTest, TheStartOfWhatFiredUnseenAtTheVeryFirstIsLookedUp) {
  options_.first_lookback = Millis(0);
  Script(kA, "....." + std::string(20, 'f'));
  Script(kB, "........f........");
  clock_.Advance(std::chrono::seconds(4'680));  // At 4,700 s, and the last sample is of 4,200 s.
  Begin();
  TickUntil(8'000);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +3000 ~3000", "B +4800 ~4800", "B 4800-5400"));
}

TEST_F(SlowGroupsTest, TheStartOfWhatHasEndedSinceIsLookedUpInTheSamples) {
  options_.first_lookback = std::chrono::seconds(7'300);
  Script(kA, ".....fffffff................");
  clock_.Advance(std::chrono::seconds(11'980));  // At 12,000 s; the history begins at 4,698 s.
  Begin();
  TickUntil(12'060);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +3000 ~3000", "A 3000-7200"));
}

// Random alerts that are not evaluated at times, random failures, restarts at any moment: all is
// taken, with its times, and nothing else.
TEST_F(SlowGroupsTest, RandomAlertsFailuresAndRestarts) {
  std::mt19937_64 random(TestSeed());
  options_.interval = std::chrono::seconds(5);
  options_.first_lookback = std::chrono::seconds(300);
  options_.resend_delay = std::chrono::seconds(1);
  prometheus_.interval = std::chrono::seconds(1);
  for (int round = 0; round < 40; ++round) {
    options_.lookback = prometheus_.lookback = Millis(600 + random() % 3 * 1'000);
    clock_.Advance(Timestamp::FromMillis(20'000) - clock_.Now());
    taken_.clear();
    std::set<std::string> expected;
    prometheus_.scripts = {{kA, "......"}, {kB, "......"}};
    for (AlertScript& script : prometheus_.scripts) {
      std::string& states = script.states;
      while (states.size() < 100) {
        states += 'f';
        for (size_t i = random() % 6; i > 0; --i) states += std::string(random() % 4, ' ') + 'f';
        states += std::string(6 + random() % 6, '.');
      }
      states += std::string(80, '.');
      const std::string name(script.labels.Get("alertname"));
      for (const ScriptedEpisode& episode : EpisodesOf(states, prometheus_.lookback, 4)) {
        const std::string start = std::to_string(*episode.start);
        expected.insert(name + " +" + start + " ~" + start);
        expected.insert(name + " " + start + "-" + std::to_string(episode.end));
      }
    }
    fail_ = [&random](const SentQuery&) { return random() % 10 == 0; };
    std::optional<Timestamp> covered;
    Begin();
    while (clock_.Now() < Timestamp::FromMillis(120'000)) {
      if (random() % 15 == 0) Restart();
      if (random() % 15 == 0) clock_.Advance(std::chrono::seconds(random() % 10));
      Tick();
      // No later process must begin further back, but for a step.
      if (covered && reconciler_->covered()) {
        ASSERT_GE(reconciler_->covered()->millis() + 1'000, covered->millis());
      }
      covered = std::max(covered, reconciler_->covered());
    }
    fail_ = nullptr;
    TickUntil(170);
    const std::vector<std::string> taken = Taken();
    ASSERT_EQ(std::set<std::string>(taken.begin(), taken.end()), expected)
        << "'" << prometheus_.scripts[0].states << "'\n'" << prometheus_.scripts[1].states
        << "', lookback " << options_.lookback.count();
  }
}

}  // namespace
}  // namespace alertjoin
