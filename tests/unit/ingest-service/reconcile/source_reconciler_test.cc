#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/support/seed.h"
#include "tests/unit/ingest-service/reconcile/source_reconciler_fixture.h"

namespace alertjoin {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(SourceReconcilerTest, FindsWhatHappenedBeforeAndAfterItsStart) {
  prometheus_.scripts = {{kA, std::string(5, '.') + "fff" + std::string(30, '.') + "ff..."},
                         {kHeld, std::string(25, '.') + "ppffff..."}};
  Begin();
  TickUntil(70);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +5 ~5", "A 5-8", "A +38 ~38", "A 38-40",
                                            "Held +27 ~25", "Held 27-31"));
  EXPECT_EQ(taken_.front().labels.Get("cluster"), "east");
}

// Or nobody would ever learn of it.
TEST_F(SourceReconcilerTest, ASourceThatNeverAnswersFallsBehindFromTheStartOn) {
  fail_ = [](const SentQuery&) { return true; };
  Begin();
  TickUntil(40);
  EXPECT_EQ(Through(), 20);
  Begin(Timestamp::FromMillis(7'000));
  TickUntil(50);
  EXPECT_EQ(Through(), 7);
  fail_ = nullptr;
  TickUntil(200);
  EXPECT_GT(Through(), 150);
}

TEST_F(SourceReconcilerTest, TheStartOfWhatFiredBeforeTheHistoryIsLookedUp) {
  options_.first_lookback = std::chrono::seconds(10);
  prometheus_.scripts = {{kA, "." + std::string(14, 'f') + "....."},
                         {kB, "..." + std::string(60, 'f')},
                         {kHeld, "...pp" + std::string(60, 'f')}};
  Begin();
  TickUntil(40);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +1 ~1", "A 1-15", "B +3 ~3", "Held +5 ~3"));
}

TEST_F(SourceReconcilerTest, TheStartOfAnAlertWithAnyLabelNamesIsLookedUp) {
  options_.first_lookback = std::chrono::seconds(10);
  prometheus_.scripts = {
      {{{"alertname", "A"}, {"service.name", "x"}}, "." + std::string(14, 'f') + "....."}};
  std::vector<std::string> queries;
  fail_ = [&queries](const SentQuery& sent) {
    queries.push_back(sent.query);
    return false;
  };
  Begin();
  TickUntil(40);
  EXPECT_THAT(queries, Contains(R"(ALERTS_FOR_STATE{alertname="A", "service.name"="x"})"));
  EXPECT_THAT(
      queries,
      Contains(R"(timestamp(ALERTS{alertname="A", alertstate="firing", "service.name"="x"}))"));
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +1 ~1", "A 1-15"));
}

TEST_F(SourceReconcilerTest, AnEarlierTimeThatAnAlertWasActiveIsNotTakenForThisOne) {
  options_.interval = std::chrono::seconds(30);
  prometheus_.scripts = {
      {kA, "." + std::string(30, 'f') + "..." + std::string(20, 'f') + std::string(60, '.')}};
  Begin(Timestamp::FromMillis(19'000));
  TickUntil(26);  // Active since 1, and firing when the history begins.
  fail_ = [](const SentQuery& sent) { return sent.path == "/api/v1/query_range"; };
  TickUntil(49);
  Begin(Timestamp::FromMillis(45'000));  // Fires again, since 34.
  fail_ = nullptr;
  TickUntil(120);
  EXPECT_THAT(Taken(), ElementsAre("A 34-54"));
}

// The same within one process: it has seen the alert firing, but long before.
TEST_F(SourceReconcilerTest, WhatWasSeenBeforeItFiredAgainSaysNothingOfItsStart) {
  options_.first_lookback = std::chrono::seconds(20);
  prometheus_.scripts = {
      {kA, "." + std::string(30, 'f') + "..." + std::string(20, 'f') + std::string(60, '.')}};
  fail_ = [](const SentQuery& sent) { return sent.path == "/api/v1/query_range"; };
  Begin();
  TickUntil(28);  // Active since 1. Nothing of the history has been read.
  fail_ = [](const SentQuery&) { return true; };
  TickUntil(56);  // Fires again, from 34 to 54, which /api/v1/alerts has never told.
  fail_ = nullptr;
  TickUntil(90);
  EXPECT_THAT(Taken(), ElementsAre("A +34 ~34", "A 34-54"));
}

TEST_F(SourceReconcilerTest, ALaterProcessGoesOnAndAddsNothingTwice) {
  prometheus_.scripts = {{kA, std::string(10, '.') + std::string(30, 'f') + std::string(60, '.')},
                         {kB, std::string(50, '.') + "fff" + std::string(60, '.')}};
  Begin();
  TickUntil(35);
  EXPECT_THAT(Taken(), ElementsAre("A +10 ~10"));
  // Away while it ends, and while another comes and goes.
  Restart();
  clock_.Advance(std::chrono::seconds(30));
  TickUntil(90);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +10 ~10", "B +50 ~50", "A 10-40", "B 50-53"));
}

TEST_F(SourceReconcilerTest, WhatWasNotDecidedIsFoundAgainByALaterProcess) {
  options_.first_lookback = std::chrono::seconds(10);
  prometheus_.scripts = {{kA, std::string(18, '.') + "ff" + std::string(60, '.')},
                         {kB, "..." + std::string(100, 'f')}};
  Begin();
  TickUntil(26);  // Found, and waiting.
  EXPECT_THAT(Taken(), IsEmpty());
  EXPECT_EQ(reconciler_->covered(), std::nullopt) << "B fired at the very first";
  Restart();
  TickUntil(50);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +18 ~18", "A 18-20", "B +3 ~3"));
  EXPECT_EQ(reconciler_->covered(), reconciler_->read_through());
}

TEST_F(SourceReconcilerTest, AfterFailuresItGoesOnFromWhereItWas) {
  prometheus_.scripts = {{kA, std::string(30, '.') + "fff" + std::string(60, '.')}};
  Begin();
  TickUntil(25);
  fail_ = [](const SentQuery& sent) { return sent.path == "/api/v1/query_range"; };
  TickUntil(45);
  EXPECT_THAT(Taken(), IsEmpty());
  fail_ = [](const SentQuery& sent) { return sent.path == "/api/v1/alerts"; };
  TickUntil(55);
  fail_ = nullptr;
  TickUntil(80);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-33"));
}

TEST_F(SourceReconcilerTest, APartialAnswerProvesNothing) {
  prometheus_.scripts = {{kA, std::string(10, '.') + std::string(50, 'f')}};
  Begin();
  TickUntil(40);
  ASSERT_THAT(Taken(), ElementsAre("A +10 ~10"));
  const auto through = reconciler_->read_through();
  while (reconciler_->read_through() == through) {
    clock_.Advance(std::chrono::seconds(1));
    reconciler_->Step();
    executor_.RunAll();
    bool partial = false;
    while (!transport_.waiting.empty()) {
      if (transport_.waiting.front().path != "/api/v1/query_range") {
        AnswerNext();
        continue;
      }
      const SentQuery sent = std::move(transport_.waiting.front());
      transport_.waiting.pop_front();
      sent.done(HttpAnswer{200, MatrixAnswer({}, "one store did not answer")});
      executor_.RunAll();
      partial = true;
    }
    if (partial) break;
  }
  EXPECT_EQ(reconciler_->read_through(), through);
  TickUntil(60);
  EXPECT_THAT(Taken(), ElementsAre("A +10 ~10"));
}

TEST_F(SourceReconcilerTest, TooMuchAtOnceIsAskedInSmallerParts) {
  prometheus_.scripts = {{kA, std::string(5, '.') + "fff" + std::string(900, '.')}};
  options_.first_lookback = std::chrono::seconds(800);
  clock_.Advance(std::chrono::seconds(780));
  Begin();
  size_t refused = 0;
  fail_ = nullptr;
  clock_.Advance(std::chrono::seconds(1));
  reconciler_->Step();
  executor_.RunAll();
  while (!transport_.waiting.empty()) {
    const SentQuery& sent = transport_.waiting.front();
    if (sent.path == "/api/v1/query_range" && refused < 2) {
      const auto done = sent.done;
      transport_.waiting.pop_front();
      ++refused;
      done(absl::ResourceExhaustedError("the answer is too large"));
      executor_.RunAll();
    } else {
      AnswerNext();
    }
  }
  EXPECT_EQ(refused, 2u);
  EXPECT_GT(std::count(asked_.begin(), asked_.end(), "/api/v1/query_range"), 3);
  TickUntil(820);
  EXPECT_THAT(Taken(), ElementsAre("A +5 ~5", "A 5-8"));
}

TEST_F(SourceReconcilerTest, WithoutAConfigurationNothingIsAdded) {
  // The identities would be wrong.
  prometheus_.scripts = {{kA, std::string(10, '.') + std::string(50, 'f')}};
  fail_ = [](const SentQuery& sent) { return sent.path == "/api/v1/status/config"; };
  Begin();
  TickUntil(60);
  EXPECT_THAT(Taken(), IsEmpty());
  EXPECT_EQ(reconciler_->read_through(), std::nullopt);
}

TEST_F(SourceReconcilerTest, WhatWasSentIsOnlyToldItsPendingStart) {
  prometheus_.scripts = {{kHeld, std::string(25, '.') + "ppffff" + std::string(60, '.')}};
  Begin();
  TickUntil(28);
  TransitionEvent sent;
  sent.source = "alertmanager";
  sent.origin = Origin::kAlertmanagerWebhook;
  sent.labels = {{"alertname", "Held"}, {"cluster", "east"}};
  sent.fingerprint = sent.labels.FingerprintHex();
  sent.starts_at = ScriptedAlerts::Evaluation(27);
  ledger_->OnSent(sent, clock_.Now());
  TickUntil(70);
  EXPECT_THAT(Taken(), ElementsAre("Held +27 ~25", "Held 27-31"));
  EXPECT_EQ(taken_[0].origin, Origin::kAlertmanagerWebhook);
  EXPECT_EQ(taken_[1].origin, Origin::kReconciliation);
}

TEST_F(SourceReconcilerTest, AClockSetBackDoesNotStopIt) {
  prometheus_.scripts = {{kA, std::string(30, '.') + "fff" + std::string(60, '.')}};
  Begin();
  TickUntil(25);
  clock_.Advance(-std::chrono::seconds(15));
  TickUntil(60);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-33"));
}

TEST_F(SourceReconcilerTest, OfASourceWhoseClockIsBehindTheTimesAreItsOwn) {
  ahead_of_source_ = std::chrono::seconds(15);
  prometheus_.scripts = {{kA, std::string(22, '.') + "fff..fffffffff" + std::string(90, '.')},
                         {kB, std::string(28, '.') + "f" + std::string(90, '.')},
                         {kHeld, std::string(31, '.') + "ppffff" + std::string(90, '.')}};
  Begin();
  TickUntil(90);
  EXPECT_THAT(Taken(), UnorderedElementsAre("A +22 ~22", "A 22-25", "A +27 ~27", "A 27-36",
                                            "B +28 ~28", "B 28-29", "Held +33 ~31", "Held 33-37"));
  EXPECT_GE(Through(), 90 - 15 - 2 - 6);
  EXPECT_LE(Through(), 90 - 15 - 2 + 1);
}

TEST_F(SourceReconcilerTest, ADateThatIsFarOffStopsNothing) {
  date_ = Timestamp::FromMillis(-7'200'000);
  prometheus_.scripts = {{kA, std::string(30, '.') + "fff" + std::string(60, '.')}};
  Begin();
  TickUntil(60);
  EXPECT_THAT(Taken(), ElementsAre("A +30 ~30", "A 30-33"));
}

// Random alerts, random failures, restarts at any moment: everything is taken, with its times.
TEST_F(SourceReconcilerTest, RandomAlertsFailuresAndRestarts) {
  std::mt19937_64 random(TestSeed());
  // Of processes that end before they have decided anything, the last one reads everything.
  options_.first_lookback = std::chrono::seconds(300);
  for (int round = 0; round < 40; ++round) {
    clock_.Advance(Timestamp::FromMillis(20'000) - clock_.Now());
    taken_.clear();
    std::set<std::string> expected;
    prometheus_.scripts = {{kA, "."}, {kB, "."}};
    for (AlertScript& script : prometheus_.scripts) {
      while (script.states.size() < 100) {
        script.states += std::string(1 + random() % 12, ".f"[random() % 2]);
      }
      const std::string& states = script.states += std::string(60, '.');
      for (size_t i = 1; i < states.size(); ++i) {
        if (states[i] != 'f' || states[i - 1] == 'f') continue;
        const std::string name(script.labels.Get("alertname"));
        expected.insert(name + " +" + std::to_string(i) + " ~" + std::to_string(i));
        expected.insert(name + " " + std::to_string(i) + "-" + std::to_string(states.find('.', i)));
      }
    }
    fail_ = [&random](const SentQuery&) { return random() % 10 == 0; };
    Begin();
    while (clock_.Now() < Timestamp::FromMillis(120'000)) {
      if (random() % 15 == 0) Restart();
      if (random() % 15 == 0) clock_.Advance(std::chrono::seconds(random() % 10));
      Tick();
    }
    fail_ = nullptr;
    TickUntil(150);
    const std::vector<std::string> taken = Taken();
    EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()), expected)
        << prometheus_.scripts[0].states << "\n"
        << prometheus_.scripts[1].states;
  }
}

}  // namespace
}  // namespace alertjoin
