#include "ingest-service/reconcile/transition_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Millis kWait = std::chrono::seconds(60);

Timestamp At(int64_t s) { return Timestamp::FromMillis(s * 1'000); }

TransitionEvent Firing(int64_t start_s, const std::string& fingerprint = "f1") {
  TransitionEvent event;
  event.source = "alertmanager";
  event.fingerprint = fingerprint;
  event.starts_at = At(start_s);
  event.labels = {{"alertname", "A"}};
  return event;
}

TransitionEvent Resolved(int64_t start_s, int64_t end_s) {
  TransitionEvent event = Firing(start_s);
  event.state = AlertState::kResolved;
  event.ends_at = At(end_s);
  return event;
}

class TransitionLedgerTest : public ::testing::Test {
 protected:
  void Found(TransitionEvent event, int64_t now_s, std::optional<int64_t> active_s = {},
             TransitionLedger::Finder finder = 0) {
    event.origin = Origin::kReconciliation;
    if (active_s) event.active_at = At(*active_s);
    const Timestamp again = event.event_time() - Millis(1);
    ledger_.OnFound(std::move(event), {finder, 0, again}, At(now_s));
  }
  void Sent(TransitionEvent event, int64_t now_s) {
    event.origin = Origin::kAlertmanagerWebhook;
    event.annotations = {{"from", "webhook"}};
    event.bindings.emplace_back(Binding());
    ledger_.OnSent(event, At(now_s));
  }
  // "added 100 ~95", "told 100 ~95", "added 100-120"; takes what is due.
  std::vector<std::string> TakeDue(int64_t now_s) {
    const auto due = ledger_.Due(At(now_s), 100);
    std::vector<std::string> texts;
    for (const TransitionEvent& event : due) {
      EXPECT_TRUE(event.bindings.empty());
      EXPECT_EQ(event.annotations.empty(), event.origin == Origin::kReconciliation);
      std::string text = event.origin == Origin::kReconciliation ? "added " : "told ";
      text += std::to_string(event.starts_at.millis() / 1'000);
      if (event.ends_at) text += "-" + std::to_string(event.ends_at->millis() / 1'000);
      if (event.active_at) text += " ~" + std::to_string(event.active_at->millis() / 1'000);
      texts.push_back(text);
    }
    ledger_.OnTaken(due);
    return texts;
  }
  // both, reconciliation only, webhook later, webhook only
  std::vector<double> Counts() const {
    return {seen_.both.Value(), seen_.reconciliation_only.Value(), seen_.webhook_later.Value(),
            seen_.webhook_only.Value()};
  }

  prometheus::Registry registry_;
  ReconcileMetrics metrics_{registry_};
  ReconcileMetrics::Seen seen_ = metrics_.SeenOf("alertmanager");
  TransitionLedger ledger_{{.wait = kWait}, seen_};
};

TEST_F(TransitionLedgerTest, WhatIsNotSentIsAddedAfterTheWaitAndOnce) {
  Found(Firing(100), 110, 95);
  Found(Resolved(100, 105), 110);
  EXPECT_EQ(ledger_.NextDue(), At(170));
  EXPECT_THAT(TakeDue(169), IsEmpty());
  EXPECT_THAT(TakeDue(170), ElementsAre("added 100 ~95", "added 100-105"));
  EXPECT_THAT(TakeDue(1'000), IsEmpty());
  Found(Firing(100), 171, 95);
  EXPECT_THAT(TakeDue(1'000), IsEmpty());
  EXPECT_THAT(Counts(), ElementsAre(0, 2, 0, 0));
  EXPECT_EQ(ledger_.NextDue(), Timestamp::Max());
}

TEST_F(TransitionLedgerTest, WhatIsSentIsToldItsPendingStartWhicheverCameFirst) {
  Found(Firing(100), 110, 95);
  Sent(Firing(100), 120);
  EXPECT_THAT(TakeDue(120), ElementsAre("told 100 ~95"));
  Sent(Firing(200), 210);
  EXPECT_THAT(TakeDue(210), IsEmpty());
  Found(Firing(200), 220, 195);
  EXPECT_THAT(TakeDue(220), ElementsAre("told 200 ~195"));
  // Again, by a repeated notification: not again.
  Sent(Firing(200), 230);
  Found(Firing(200), 230, 195);
  EXPECT_THAT(TakeDue(1'000), IsEmpty());
  EXPECT_THAT(Counts(), ElementsAre(2, 0, 0, 0));
}

TEST_F(TransitionLedgerTest, WithoutAPendingStartNothingIsTold) {
  Sent(Firing(100), 110);
  Found(Firing(100), 110);
  Sent(Resolved(100, 120), 130);
  Found(Resolved(100, 119), 130);
  EXPECT_THAT(TakeDue(1'000), IsEmpty());
  EXPECT_THAT(Counts(), ElementsAre(2, 0, 0, 0));
}

TEST_F(TransitionLedgerTest, WhatIsSentAfterItWasAddedIsCounted) {
  Found(Firing(100), 110, 95);
  EXPECT_THAT(TakeDue(170), ElementsAre("added 100 ~95"));
  Sent(Firing(100), 400);
  Sent(Firing(100), 500);
  EXPECT_THAT(TakeDue(1'000), IsEmpty());
  EXPECT_THAT(Counts(), ElementsAre(0, 1, 1, 0));
}

TEST_F(TransitionLedgerTest, ComesAgainUntilItIsTaken) {
  Found(Firing(100), 110);
  EXPECT_EQ(ledger_.Due(At(170), 10).size(), 1u);
  EXPECT_EQ(ledger_.Due(At(171), 10).size(), 1u);
  Found(Firing(200, "f2"), 110);
  EXPECT_EQ(ledger_.Due(At(171), 1).size(), 1u);
  EXPECT_THAT(Counts(), ElementsAre(0, 0, 0, 0));
  // Sent in between: no longer to be added.
  Sent(Firing(100), 172);
  EXPECT_EQ(ledger_.Due(At(172), 10).size(), 1u);
}

TEST_F(TransitionLedgerTest, TheUndecidedTellWhereReadingMustBegin) {
  EXPECT_EQ(ledger_.UndecidedFrom(0), std::nullopt);
  Found(Firing(100), 110);
  Found(Firing(90, "f2"), 110, {}, 1);
  Found(Resolved(100, 120), 130);
  EXPECT_EQ(ledger_.UndecidedFrom(0), At(100) - Millis(1));
  EXPECT_EQ(ledger_.UndecidedFrom(1), At(90) - Millis(1));
  TakeDue(170);
  EXPECT_EQ(ledger_.UndecidedFrom(0), At(120) - Millis(1));
  EXPECT_EQ(ledger_.UndecidedFrom(1), std::nullopt);
}

TEST_F(TransitionLedgerTest, WhatWasSentAndIsNotInTheHistoryIsCounted) {
  Sent(Firing(100), 110);
  Sent(Firing(200, "f2"), 210);
  ledger_.Sweep(At(50), At(99), At(220));
  EXPECT_THAT(Counts(), ElementsAre(0, 0, 0, 0));
  ledger_.Sweep(At(101), At(199), At(220));
  EXPECT_THAT(Counts(), ElementsAre(0, 0, 0, 0));
  ledger_.Sweep(At(50), At(150), At(220));
  ledger_.Sweep(At(50), At(150), At(221));
  EXPECT_THAT(Counts(), ElementsAre(0, 0, 0, 1));
}

TEST_F(TransitionLedgerTest, OldOnesAreForgottenUnlessTheyWait) {
  Sent(Firing(100), 110);
  Found(Firing(200, "f2"), 110);
  ledger_.Sweep(At(0), At(0), At(110 + 3'601));
  EXPECT_EQ(ledger_.size(), 1u);
  EXPECT_THAT(TakeDue(9'999), ElementsAre("added 200"));
}

TEST_F(TransitionLedgerTest, ThereIsALimit) {
  TransitionLedger small({.wait = kWait, .transitions_max = 3}, seen_);
  for (int64_t i = 0; i < 10; ++i) small.OnFound(Firing(i), {0, 0, At(i)}, At(100 + i));
  EXPECT_EQ(small.size(), 3u);
  EXPECT_EQ(seen_.forgotten.Value(), 7);
  const auto due = small.Due(At(1'000), 10);
  ASSERT_EQ(due.size(), 3u);
  EXPECT_EQ(due.front().starts_at, At(7));
}

}  // namespace
}  // namespace alertjoin
