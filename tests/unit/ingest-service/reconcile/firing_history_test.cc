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
const LabelSet kSlow = {{"alertname", "Slow"}};

class FiringHistoryTest : public ::testing::Test {
 protected:
  FiringHistoryTest() : history_(Options()) {}

  static FiringHistory::Options Options() {
    FiringHistory::Options options;
    options.interval_of = [](const LabelSet& labels) -> std::optional<Millis> {
      if (labels.Get("alertname") == "Unknown") return std::nullopt;
      if (labels.Get("alertname") == "Slow") return std::chrono::minutes(10);
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

  // The same, on a grid of a quarter of a minute, in windows of so many seconds.
  std::vector<std::string> TakeAll(const std::vector<Script>& scripts, int64_t to_s,
                                   int64_t window_s) {
    std::vector<std::string> texts;
    for (int64_t from = 15; from <= to_s; from += window_s) {
      const auto some =
          Take(scripts, from, std::min(from + window_s - 15, to_s), std::chrono::seconds(15));
      texts.insert(texts.end(), some.begin(), some.end());
    }
    return texts;
  }

  QueryResult Answer(const std::vector<Script>& scripts, const EvaluationGrid& grid) const {
    ScriptedAlerts prometheus;
    prometheus.scripts = scripts;
    prometheus.lookback = lookback_;
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

  Millis lookback_ = std::chrono::minutes(5);
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

// Between its evaluations its samples are older than the lookback: Prometheus shows nothing.
TEST_F(FiringHistoryTest, WhatIsEvaluatedLessOftenThanTheLookbackGoesOnFiring) {
  const std::vector<Script> scripts = {
      {kSlow, ScriptedAlerts::Each(600, "......" + std::string(20, 'f'))}};
  for (const int64_t window_s : {60, 420, 600, 15'000}) {
    history_ = FiringHistory(Options());
    EXPECT_THAT(TakeAll(scripts, 15'600, window_s), ElementsAre("Slow +3600 ~3600")) << window_s;
    EXPECT_EQ(history_.size(), 1u) << "it still does";
  }
}

TEST_F(FiringHistoryTest, ItEndsOnceItIsForgotten) {
  const std::vector<Script> scripts = {{kSlow, ScriptedAlerts::Each(600, "......ff........fff.")}};
  EXPECT_THAT(TakeAll(scripts, 6'580, 60), ElementsAre("Slow +3600 ~3600"));
  history_ = FiringHistory(Options());
  EXPECT_THAT(TakeAll(scripts, 6'660, 60), ElementsAre("Slow +3600 ~3600", "Slow 3600-4800 rough"));
  history_ = FiringHistory(Options());
  EXPECT_THAT(TakeAll(scripts, 12'000, 12'000),
              ElementsAre("Slow +3600 ~3600", "Slow 3600-4800 rough", "Slow +9600 ~9600"));
}

TEST_F(FiringHistoryTest, AnEndBetweenSlowEvaluationsIsAnEndWhileTheLastSampleIsYoung) {
  // Its group is evaluated once more out of turn, as when its rules are changed.
  std::string states = ScriptedAlerts::Each(600, "......ff");
  states.resize(4'300, ' ');
  states += "." + std::string(6'000, ' ');
  EXPECT_THAT(TakeAll({{kSlow, states}}, 9'000, 60),
              ElementsAre("Slow +3600 ~3600", "Slow 3600-@4305000 rough"));
}

TEST_F(FiringHistoryTest, WhatIsPendingAtSlowEvaluationsIsActiveBefore) {
  for (const int64_t window_s : {60, 420, 15'000}) {
    history_ = FiringHistory(Options());
    EXPECT_THAT(TakeAll({{kSlow, ScriptedAlerts::Each(600, "......ppff.......")}}, 9'600, window_s),
                ElementsAre("Slow +4800 ~3600", "Slow 4800-6000 rough"))
        << window_s;
  }
}

TEST_F(FiringHistoryTest, WhatIsPendingAgainHasEnded) {
  for (const int64_t window_s : {60, 420, 15'000}) {
    history_ = FiringHistory(Options());
    EXPECT_THAT(TakeAll({{kSlow, ScriptedAlerts::Each(600, "......f.pf")}}, 6'600, window_s),
                ElementsAre("Slow +3600 ~3600", "Slow 3600-4200 rough", "Slow +5400 ~4800"))
        << window_s;
  }
}

TEST_F(FiringHistoryTest, WhatMayHaveFiredUnseenWhenTheHistoryBeganHasNoKnownStart) {
  // At 15 s its sample of the evaluation before, if there is one, is too old.
  const std::vector<Script> scripts = {
      {kSlow, std::string(200, ' ') + ScriptedAlerts::Each(600, "fffff")}};
  EXPECT_THAT(TakeAll(scripts, 2'400, 60), ElementsAre("Slow +?"));
  ASSERT_EQ(history_.UnknownStarts().size(), 1u);
  EXPECT_EQ(history_.UnknownStarts()[0].labels, kSlow);
  // What is pending first has not fired before.
  history_ = FiringHistory(Options());
  const std::vector<Script> held = {
      {kSlow, std::string(200, ' ') + ScriptedAlerts::Each(600, "pffff")}};
  EXPECT_THAT(TakeAll(held, 2'400, 60), ElementsAre("Slow +800"));
}

TEST_F(FiringHistoryTest,
       AShorterAbsenceThanIsRememberedEndsNothingThoughItIsLongerThanTheLookback) {
  FiringHistory::Options options = Options();
  options.interval_of = [](const LabelSet&) { return std::chrono::minutes(2); };
  history_ = FiringHistory(options);
  const std::string states = ScriptedAlerts::Each(120, "......ff   ff      ff");
  EXPECT_THAT(TakeAll({{kA, states}}, 2'400, 60),
              ElementsAre("A +720 ~720", "A 720-1560 rough", "A +2280 ~2280"));
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

// The same where evaluations are left out, and with lookbacks shorter than an interval, than two,
// and so on: what is told is what can be known.
TEST_F(FiringHistoryTest, RandomStatesThatFade) {
  std::mt19937_64 random(TestSeed());
  constexpr int64_t kRemembered = 4;
  for (int round = 0; round < 1'000; ++round) {
    FiringHistory::Options options = Options();
    options.resend_delay = Millis(kIntervalMs);
    options.lookback = Millis(600 + 1'000 * static_cast<int64_t>(random() % 6));
    history_ = FiringHistory(options);
    lookback_ = options.lookback;
    std::string states = ".";
    while (states.size() < 40) states += std::string(1 + random() % 3, ".pf "[random() % 4]);
    states += std::string(12, '.');
    std::multiset<std::string> expected;
    for (const ScriptedEpisode& episode : EpisodesOf(states, lookback_, kRemembered)) {
      const std::string start = episode.start ? std::to_string(*episode.start) : "?";
      const std::string active = episode.active ? " ~" + std::to_string(*episode.active) : "";
      expected.insert("A +" + start + active);
      expected.insert("A " + start + "-" + std::to_string(episode.end) +
                      (episode.end_is_rough ? " rough" : ""));
    }
    std::multiset<std::string> found;
    for (int64_t from_ms = 1'000; from_ms < std::ssize(states) * kIntervalMs;) {
      const EvaluationGrid grid{
          At(from_ms), At(from_ms + 250 * static_cast<int64_t>(random() % 30)), Millis(250)};
      const auto changes = history_.Take(Answer({{kA, states}}, grid), grid);
      ASSERT_THAT(changes, IsOk());
      for (const FiringChange& change : *changes) found.insert(Text(change));
      from_ms = grid.end.millis() + 250;
    }
    ASSERT_EQ(found, expected) << "'" << states << "', lookback " << lookback_.count();
  }
}

}  // namespace
}  // namespace alertjoin
