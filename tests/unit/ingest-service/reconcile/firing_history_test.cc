#include "ingest-service/reconcile/firing_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/ingest-service/reconcile/scripted_alerts.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kIntervalMs = ScriptedAlerts::kIntervalMs;
constexpr int64_t kOffsetMs = ScriptedAlerts::kOffsetMs;

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }
Timestamp Evaluation(int64_t k) { return ScriptedAlerts::Evaluation(k); }

using Script = AlertScript;

const LabelSet kA = {{"alertname", "A"}};
const LabelSet kB = {{"alertname", "B"}, {"queue", "orders"}};

class FiringHistoryTest : public ::testing::Test {
 protected:
  FiringHistoryTest() : history_(Options()) {}

  static FiringHistory::Options Options() {
    FiringHistory::Options options;
    options.interval_of = [](const LabelSet& labels) -> std::optional<Millis> {
      if (labels.Get("alertname") == "Unknown") return std::nullopt;
      return Millis(kIntervalMs);
    };
    return options;
  }

  // Texts such as "A +3 ~1" (fires from evaluation 3 on, active since 1) and "A 3-7".
  std::vector<std::string> Take(const std::vector<Script>& scripts, int64_t from_s, int64_t to_s,
                                Millis step = Millis(kIntervalMs)) {
    const EvaluationGrid grid{At(from_s * 1000), At(to_s * 1000), step};
    const auto changes = history_.Take(Answer(scripts, grid), grid);
    EXPECT_THAT(changes, IsOk());
    std::vector<std::string> texts;
    for (const FiringChange& change : *changes) texts.push_back(Text(change));
    return texts;
  }

  static QueryResult Answer(const std::vector<Script>& scripts, const EvaluationGrid& grid) {
    ScriptedAlerts prometheus;
    prometheus.scripts = scripts;
    return prometheus.History(grid, Timestamp::Max());
  }
  static std::string Number(Timestamp time) {
    const int64_t ms = time.millis() - kOffsetMs;
    if (ms % kIntervalMs != 0) return "@" + std::to_string(time.millis());
    return std::to_string(ms / kIntervalMs);
  }
  static std::string Text(const FiringChange& change) {
    std::string text(change.labels.Get("alertname"));
    const std::string start = change.starts_at ? Number(*change.starts_at) : "?";
    if (change.kind == FiringChange::Kind::kStarted) {
      text += " +" + start;
      if (change.active_at) text += " ~" + Number(*change.active_at);
    } else {
      text += " " + start + "-" + Number(change.ends_at);
    }
    return change.end_is_rough ? text + " rough" : text;
  }

  FiringHistory history_;
};

TEST_F(FiringHistoryTest, AnAlertWithoutForFiresAtItsFirstEvaluation) {
  EXPECT_THAT(Take({{kA, "...fff..."}}, 1, 9), ElementsAre("A +3 ~3", "A 3-6"));
}

TEST_F(FiringHistoryTest, APendingAlertIsActiveBefore) {
  EXPECT_THAT(Take({{kA, "..ppfff."}}, 1, 9), ElementsAre("A +4 ~2", "A 4-7"));
  EXPECT_EQ(history_.size(), 0u);
}

TEST_F(FiringHistoryTest, OneEvaluationWithoutItIsABreak) {
  EXPECT_THAT(Take({{kA, "..ff.fpfp.ff."}}, 1, 13),
              ElementsAre("A +2 ~2", "A 2-4", "A +5 ~5", "A 5-6", "A +7 ~6", "A 7-8", "A +10 ~10",
                          "A 10-12"));
}

TEST_F(FiringHistoryTest, WhatIsOpenGoesOnInTheNextWindow) {
  const std::vector<Script> scripts = {{kA, "..ppff"}, {kB, ".....fff."}};
  EXPECT_THAT(Take(scripts, 1, 4), IsEmpty());
  EXPECT_THAT(Take(scripts, 5, 6), ElementsAre("A +4 ~2", "B +5 ~5"));
  EXPECT_EQ(history_.size(), 2u);
  EXPECT_THAT(Take(scripts, 7, 8), IsEmpty());
  EXPECT_THAT(Take(scripts, 9, 9), ElementsAre("B 5-8"));
  EXPECT_EQ(history_.through(), At(9'000));
}

TEST_F(FiringHistoryTest, WhatFiresAtTheVeryBeginningHasNoKnownStart) {
  const std::vector<Script> scripts = {{kA, "fffff."}, {kB, "fff."}};
  EXPECT_THAT(Take(scripts, 1, 2), ElementsAre("A +?", "B +?"));
  ASSERT_EQ(history_.UnknownStarts().size(), 2u);
  EXPECT_EQ(history_.UnknownStarts()[0].labels, kA);
  EXPECT_EQ(history_.UnknownStarts()[0].firing_at, At(2'000));
  history_.SetStart(kA, Evaluation(-7));
  history_.SetStart(kA, Evaluation(-9));  // Too late: it is known.
  history_.SetStart({{"alertname", "Other"}}, Evaluation(-7));
  EXPECT_EQ(history_.UnknownStarts().size(), 1u);
  EXPECT_THAT(Take(scripts, 3, 9), ElementsAre("A -7-5", "B ?-3"));
}

TEST_F(FiringHistoryTest, APrometheusThatWasAwayForAMomentEndsNothing) {
  EXPECT_THAT(Take({{kA, "..ff    ff."}}, 1, 11), ElementsAre("A +2 ~2", "A 2-10"));
}

TEST_F(FiringHistoryTest, AnEvaluationThatWasLeftOutDoesNotMoveTheEnd) {
  EXPECT_THAT(Take({{kA, "..ff ..."}}, 1, 8), ElementsAre("A +2 ~2", "A 2-5"));
}

TEST_F(FiringHistoryTest, APrometheusThatWasAwayForLongEndsAllAlerts) {
  // Alertmanager forgets them after four minutes; the lookback is five.
  const std::string away = std::string(250, ' ');
  EXPECT_THAT(Take({{kA, "..ff" + away + "ff."}}, 1, 300),
              ElementsAre("A +2 ~2", "A 2-4 rough", "A +254 ~254", "A 254-256"));
  const std::string longer = std::string(400, ' ');
  history_ = FiringHistory(Options());
  EXPECT_THAT(Take({{kA, "..ff" + longer + "ff."}}, 1, 500),
              ElementsAre("A +2 ~2", "A 2-4 rough", "A +404 ~404", "A 404-406"));
}

TEST_F(FiringHistoryTest, WithoutItsRuleAnEndIsAsExactAsTheGrid) {
  EXPECT_THAT(Take({{{{"alertname", "Unknown"}}, "..ff."}}, 1, 6),
              ElementsAre("Unknown +2 ~2", "Unknown 2-@5000 rough"));
}

TEST_F(FiringHistoryTest, AFinerGridChangesNothing) {
  EXPECT_THAT(Take({{kA, "..ff.fpfp.ff."}}, 1, 13, Millis(250)),
              ElementsAre("A +2 ~2", "A 2-4", "A +5 ~5", "A 5-6", "A +7 ~6", "A 7-8", "A +10 ~10",
                          "A 10-12"));
}

TEST_F(FiringHistoryTest, AHoleBetweenWindowsBeginsAnew) {
  EXPECT_THAT(Take({{kA, "..ffffffffff"}}, 1, 5), ElementsAre("A +2 ~2"));
  EXPECT_THAT(Take({{kA, "..ffffffffff"}}, 8, 9), ElementsAre("A +?"));
}

TEST_F(FiringHistoryTest, TooManyAlertsAreRefusedWholly) {
  EXPECT_THAT(Take({{kA, "..ffffffffff"}}, 1, 5), ElementsAre("A +2 ~2"));
  QueryResult answer;
  answer.series.resize(kHistoryAlertsMax + 1);
  const EvaluationGrid grid{At(6'000), At(7'000), Millis(1'000)};
  EXPECT_THAT(history_.Take(answer, grid), StatusIs(absl::StatusCode::kResourceExhausted, "20001"));
  EXPECT_EQ(history_.through(), At(5'000));
  EXPECT_EQ(history_.size(), 1u);
}

TEST_F(FiringHistoryTest, TimesThatAreNoneAreLeftOut) {
  QueryResult answer;
  answer.series.push_back({{{"alertname", "A"}, {"alertstate", "firing"}},
                           {At(1'000), At(2'000)},
                           {std::nan(""), 1e300}});
  const EvaluationGrid grid{At(1'000), At(2'000), Millis(1'000)};
  EXPECT_THAT(history_.Take(answer, grid), IsOk());
  EXPECT_EQ(history_.size(), 0u);
}

// Whatever the states and however time is cut into windows: the changes are those that the states
// say by themselves.
TEST_F(FiringHistoryTest, RandomStatesInRandomWindows) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    std::vector<Script> scripts = {{kA, "."}, {kB, "."}};
    constexpr int64_t kEvaluations = 40;
    std::multiset<std::string> expected;
    for (Script& script : scripts) {
      while (script.states.size() < kEvaluations) {
        script.states += std::string(1 + random() % 4, ".pf"[random() % 3]);
      }
      script.states += '.';
      const std::string& states = script.states;
      const std::string name(script.labels.Get("alertname"));
      for (size_t i = 1; i < states.size(); ++i) {
        if (states[i] != 'f' || states[i - 1] == 'f') continue;
        size_t active = i;
        while (states[active - 1] == 'p') --active;
        const size_t end = states.find_first_not_of('f', i);
        expected.insert(name + " +" + std::to_string(i) + " ~" + std::to_string(active));
        expected.insert(name + " " + std::to_string(i) + "-" + std::to_string(end));
      }
    }
    history_ = FiringHistory(Options());
    std::multiset<std::string> found;
    for (int64_t from = 1; from < kEvaluations + 10;) {
      const int64_t to = from + static_cast<int64_t>(random() % 9);
      for (std::string& text : Take(scripts, from, to)) found.insert(std::move(text));
      from = to + 1;
    }
    ASSERT_EQ(found, expected) << scripts[0].states << "\n" << scripts[1].states;
  }
}

}  // namespace
}  // namespace alertjoin
