#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "tests/support/seed.h"
#include "tests/unit/ingest-service/reconcile/source_reconciler_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Two servers with the same rules, of one alert source: the fixture's own, and a second one.
class ServerPairTest : public SourceReconcilerTest {
 protected:
  ServerPairTest() {
    // An alert is forgotten after 20 s.
    options_.resend_delay = std::chrono::seconds(5);
    options_.lookback = prometheus_.lookback = second_.lookback = std::chrono::seconds(6);
  }

  void BeginPair(std::optional<Timestamp> second_read_from = {}) {
    Begin(read_from_);
    SourceReconcilerOptions options = options_;
    options.source = "second";
    second_reconciler_ = std::make_unique<SourceReconciler>(
        options,
        SourceReconciler::Environment{second_client_, *ledger_, 1, executor_, clock_, metrics_},
        second_read_from);
  }

  // As a new process after a crash.
  void RestartPair() {
    if (const auto covered = reconciler_->covered()) read_from_ = covered;
    if (const auto covered = second_reconciler_->covered()) second_read_from_ = covered;
    transport_.waiting.clear();
    second_transport_.waiting.clear();
    executor_ = ManualExecutor();
    BeginPair(second_read_from_);
  }

  void TickPairUntil(int64_t s) {
    while (clock_.Now() < Timestamp::FromMillis(s * 1'000)) {
      Tick();
      second_reconciler_->Step();
      executor_.RunAll();
      while (!second_transport_.waiting.empty()) {
        const SentQuery sent = std::move(second_transport_.waiting.front());
        second_transport_.waiting.pop_front();
        if (second_is_away_) {
          sent.done(absl::UnavailableError("away"));
        } else {
          sent.done(HttpAnswer{200, second_.Answer(sent, clock_.Now())});
        }
        executor_.RunAll();
      }
    }
  }

  static std::string Times(size_t inactive, size_t firing) {
    return std::string(inactive, '.') + std::string(firing, 'f') + std::string(60, '.');
  }

  ScriptedAlerts second_;
  std::optional<Timestamp> second_read_from_;
  bool second_is_away_ = false;
  ManualTransport second_transport_;
  PrometheusClient second_client_{{"second", "http://second", std::chrono::seconds(10), {}},
                                  second_transport_};
  std::unique_ptr<SourceReconciler> second_reconciler_;
};

TEST_F(ServerPairTest, BeginsWithTheFirstAndEndsWithTheLast) {
  prometheus_.scripts = {{kA, Times(30, 40)}, {kB, Times(33, 50)}};
  second_.scripts = {{kA, Times(32, 50)}, {kB, Times(31, 40)}};
  BeginPair();
  TickPairUntil(130);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +30 ~30", "B +31 ~31", "A 30-82", "B 31-83"));
  EXPECT_EQ(seen_.within_another.Value(), 4);
  EXPECT_EQ(seen_.reconciliation_only.Value(), 4);
}

TEST_F(ServerPairTest, OneThatIsRestartedEndsAndBeginsNothing) {
  prometheus_.scripts = {{kA, Times(30, 200)}};
  // Away for half a minute, then pending until its `for` is over once more.
  second_.scripts = {{kA, std::string(30, '.') + std::string(20, 'f') + std::string(30, ' ') +
                              std::string(10, 'p') + std::string(145, 'f') + std::string(60, '.')}};
  BeginPair();
  TickPairUntil(220);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  TickPairUntil(270);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-235"));
}

TEST_F(ServerPairTest, TheSameStartEndsWithTheLast) {
  prometheus_.scripts = {{kA, Times(30, 40)}};
  second_.scripts = {{kA, Times(30, 60)}};
  BeginPair();
  TickPairUntil(130);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-90"));
}

TEST_F(ServerPairTest, OneThatWasKilledAndDoesNotFireAnyMoreLeavesTheEndToTheOther) {
  prometheus_.scripts = {{kA, Times(30, 27)}};
  second_.scripts = {{kA, std::string(30, '.') + std::string(25, 'f') + std::string(40, ' ') +
                              std::string(60, '.')}};
  BeginPair();
  TickPairUntil(130);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-57"));
}

TEST_F(ServerPairTest, OneThatDoesNotAnswerIsNotWaitedForLong) {
  prometheus_.scripts = {{kA, Times(30, 40)}};
  second_.scripts = {{kA, Times(30, 200)}};
  BeginPair();
  TickPairUntil(60);
  second_is_away_ = true;
  TickPairUntil(290);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  TickPairUntil(310);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-70"));
  // It has its say when it is back.
  second_is_away_ = false;
  TickPairUntil(330);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-70", "A 30-230"));
}

TEST_F(ServerPairTest, AnEndIsNotLostWithTheOneThatFiredOn) {
  prometheus_.scripts = {{kA, Times(30, 40)}};
  second_.scripts = {{kA, Times(30, 200)}};
  BeginPair();
  TickPairUntil(90);
  second_is_away_ = true;
  TickPairUntil(400);
  // By what was last known of it.
  ASSERT_EQ(Taken().size(), 2U);
  EXPECT_EQ(Taken()[0], "A +30 ~30");
  EXPECT_GE(Number(taken_[1].event_time()), 80);
  EXPECT_LE(Number(taken_[1].event_time()), 90);
}

TEST_F(ServerPairTest, AlertsThatAreSentAsOneEndWithTheLast) {
  const auto config = [](ScriptedAlerts& server) {
    server.config += "\nalerting: {alert_relabel_configs: [{action: labeldrop, regex: pod}]}";
  };
  config(prometheus_);
  config(second_);
  const LabelSet one = {{"alertname", "A"}, {"pod", "1"}};
  const LabelSet two = {{"alertname", "A"}, {"pod", "2"}};
  prometheus_.scripts = {{one, Times(30, 20)}, {two, Times(30, 40)}};
  BeginPair();
  TickPairUntil(130);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-70"));
}

TEST_F(ServerPairTest, ALaterProcessWaitsForWhoHasNotAnsweredYet) {
  prometheus_.scripts = {{kA, Times(30, 70)}};
  second_.scripts = {{kA, Times(30, 120)}};
  BeginPair();
  TickPairUntil(97);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  RestartPair();
  second_is_away_ = true;
  TickPairUntil(112);
  second_is_away_ = false;
  TickPairUntil(140);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  TickPairUntil(180);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-150"));
}

TEST_F(ServerPairTest, ALaterProcessKnowsTheEndThatWasDecided) {
  prometheus_.scripts = {{kA, Times(30, 60)}};
  second_.scripts = {{kA, Times(30, 72)}};
  BeginPair();
  TickPairUntil(110);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  RestartPair();
  TickPairUntil(140);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-102"));
}

TEST_F(ServerPairTest, OneThatNeverSawTheAlertIsNotWaitedFor) {
  prometheus_.scripts = {{kA, Times(60, 30)}};
  BeginPair();
  TickPairUntil(50);
  second_is_away_ = true;
  TickPairUntil(80);
  EXPECT_THAT(Taken(), ElementsAre("A +60 ~60"));
  TickPairUntil(110);
  EXPECT_THAT(Taken(), ElementsAre("A +60 ~60", "A 60-90"));
}

TEST_F(ServerPairTest, WhatIsNoLongerSentEndsAllTheSame) {
  prometheus_.scripts = {{kA, Times(30, 40) + std::string(20, 'f') + std::string(60, '.')}};
  second_.scripts = {{kA, Times(30, 40)}};
  BeginPair();
  TickPairUntil(50);
  // From here on, and no more when it fires again.
  const std::string config = prometheus_.config;
  for (ScriptedAlerts* const server : {&prometheus_, &second_}) {
    server->config =
        config + "\nalerting: {alert_relabel_configs: [{action: drop, regex: \".*\"}]}";
  }
  TickPairUntil(100);
  for (ScriptedAlerts* const server : {&prometheus_, &second_}) server->config = config;
  TickPairUntil(160);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A +130 ~130"));
}

TEST_F(ServerPairTest, ALaterProcessKnowsThatTheOtherFires) {
  prometheus_.scripts = {{kA, Times(30, 40)}};
  second_.scripts = {{kA, Times(32, 70)}};
  BeginPair();
  TickPairUntil(60);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  RestartPair();
  TickPairUntil(95);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30"));
  TickPairUntil(130);
  // The start was looked up when the first one ended.
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-102"));
}

// What is left of transitions when those that overlap are taken as one, as the join does.
std::vector<std::pair<int64_t, int64_t>> Joined(std::vector<std::pair<int64_t, int64_t>> episodes) {
  std::sort(episodes.begin(), episodes.end());
  std::vector<std::pair<int64_t, int64_t>> joined;
  for (const auto& [start, end] : episodes) {
    const bool is_part =
        !joined.empty() && (start < joined.back().second || start == joined.back().first);
    if (is_part) {
      joined.back().second = std::max(joined.back().second, end);
    } else {
      joined.emplace_back(start, end);
    }
  }
  return joined;
}

// In every second history, the second one does not answer at times.
TEST_F(ServerPairTest, AnyTwoHistoriesAreOneAsTheirUnion) {
  const uint64_t seed = TestSeed();
  for (uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    std::mt19937_64 random(seed + round);
    std::vector<std::pair<int64_t, int64_t>> episodes;
    const auto script = [&] {
      std::string states(30, '.');
      while (states.size() < 150) {
        const auto start = static_cast<int64_t>(states.size());
        states += std::string(1 + random() % 20, 'f');
        episodes.emplace_back(start, static_cast<int64_t>(states.size()));
        states += std::string(1 + random() % 20, '.');
      }
      return states + std::string(200, '.');
    };
    prometheus_.scripts = {{kA, script()}};
    second_.scripts = {{kA, script()}};
    SCOPED_TRACE(prometheus_.scripts[0].states + '\n' + second_.scripts[0].states);

    clock_.Advance(Timestamp::FromMillis(20'000) - clock_.Now());
    read_from_.reset();
    second_read_from_.reset();
    taken_.clear();
    BeginPair();
    TickPairUntil(25);
    const bool may_be_away = round % 2 == 1;
    int64_t away_until = 0;
    for (int64_t s = 26; s < 240; ++s) {
      if (may_be_away && s > away_until + 8 && random() % 8 == 0) {
        away_until = s + static_cast<int64_t>(random() % 25);
      }
      second_is_away_ = s < away_until;
      TickPairUntil(s);
    }
    second_is_away_ = false;
    TickPairUntil(280);

    const std::vector<std::pair<int64_t, int64_t>> expected = Joined(episodes);
    std::vector<std::pair<int64_t, int64_t>> found;
    for (const TransitionEvent& event : taken_) {
      found.emplace_back(Number(event.starts_at), Number(event.event_time()));
    }
    SCOPED_TRACE(::testing::PrintToString(Taken()));
    ASSERT_EQ(Joined(found), expected);
    // Nothing else where both were there.
    if (!may_be_away) {
      ASSERT_EQ(found.size(), 2 * expected.size());
    }
  }
}

}  // namespace
}  // namespace alertjoin
