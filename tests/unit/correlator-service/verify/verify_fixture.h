#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "correlator-service/pipeline/apply_round.h"
#include "correlator-service/rows/durable_row_store.h"
#include "correlator-service/verify/verify_rows.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/join_events.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

// A log, and beside it the rows that an engine made of it, before a test changes them.
class VerifyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RowDatabase::Options options;
    options.folder = "/disk/rows";
    options.env = EnvOver(std::make_shared<FaultDisk>());
    auto database = RowDatabase::Open(std::move(options));
    ASSERT_THAT(database, IsOk());
    database_ = *std::move(database);
    store_ = std::make_unique<DurableRowStore>(registry_, *database_);
  }
  void Do(Round round) {
    const auto position = rounds_.Append(round);
    ASSERT_THAT(position, IsOk());
    ASSERT_THAT(store_->Commit(ApplyRound(*engine_, *position, std::move(round))), IsOk());
  }
  void Do(std::vector<Event> events) { Do({At(0), {}, std::move(events), {}, {}}); }
  void DoUsual() {
    Do({Samples("q", {{"i", "1"}}, {{90, 1}, {120, 2}}), Covered("q", 0, 100)});
    Do({Firing({{"i", "1"}}, 100, {BindOn("q")}), Firing({{"i", "2"}}, 100, {BindOn("q")}),
        Resolved({{"i", "1"}}, 100, 130, {BindOn("q")}), Firing({{"i", "3"}}, 100, {})});
  }
  // With all that may be known besides: a pending start, and why a query has no series.
  void DoMore() {
    Do({Samples("q", {{"i", "1"}}, {{50, 1}, {90, 2}}), Covered("q", 0, 100),
        Refused("p", 80, "bad"), Refused("p", 70, "worse")});
    Do({Since(60, Firing({{"i", "1"}}, 100, {BindOn("q"), BindOn("p")})),
        Since(40, Resolved({{"i", "1"}}, 100, 100, {BindOn("q")}))});
  }
  // A version of the only row whose text has this in it, as a fault of ours would have left it.
  void Damage(const std::string& which, const std::function<void(JoinedRow&)>& change) {
    for (const SharedRow& row : store_->ReadRows({}, 100).rows) {
      if (Describe(*row).find(which) == std::string::npos) continue;
      JoinedRow damaged = *row;
      ++damaged.revision;
      change(damaged);
      ASSERT_THAT(store_->Commit({.changes = {std::move(damaged)}}), IsOk());
      return;
    }
    FAIL() << which;
  }
  // A change of the only alert whose fingerprint this is, as a fault of ours would have told it.
  void DamageAlert(const std::string& fingerprint, const std::function<void(Transition&)>& change,
                   Operation operation = Operation::kUpsert) {
    for (const SharedAlert& alert : store_->ReadAlerts({}, 100).alerts) {
      if (alert->transition->fingerprint != fingerprint) continue;
      Alert damaged = *alert;
      auto told = std::make_shared<Transition>(*alert->transition);
      change(*told);
      damaged.transition = std::move(told);
      damaged.operation = operation;
      ASSERT_THAT(store_->Commit({.alerts = {std::move(damaged)}}), IsOk());
      return;
    }
    FAIL() << fingerprint;
  }
  // Of the alert whose label `i` is this.
  std::string FingerprintOf(const std::string& label) {
    for (const SharedAlert& alert : store_->ReadAlerts({}, 100).alerts) {
      if (alert->transition->labels.Get("i") == label) return alert->transition->fingerprint;
    }
    return "none";
  }
  Verification Verify() {
    RoundLog again(log_, {});
    auto verified = VerifyRows(again, *database_, limits_);
    EXPECT_THAT(verified, IsOk());
    return verified.ok() ? *std::move(verified) : Verification();
  }

  // A new engine, which has seen nothing, and is held to the limits from now on.
  void SetLimits(const EngineLimits& limits) {
    limits_ = limits;
    engine_.emplace(limits);
  }
  // The round is in the log, and nothing was made of it.
  void Lose(std::vector<Event> events) {
    Round round{At(0), {}, std::move(events), {}, {}};
    const auto position = rounds_.Append(round);
    ASSERT_THAT(position, IsOk());
    ASSERT_THAT(store_->Commit({.applied = *position}), IsOk());
  }
  // The report of the only start of the only alert with that label `i`, as a fault would leave it.
  void DamageReport(const std::string& label, const std::function<void(AlertReport&)>& change) {
    std::optional<AlertReport> damaged;
    ASSERT_THAT(database_->ForEachReport([&](AlertReport report) {
      const auto& side = report.firing ? report.firing : report.resolved;
      if (side->first->labels.Get("i") == label) damaged = std::move(report);
    }),
                IsOk());
    ASSERT_TRUE(damaged.has_value());
    change(*damaged);
    ASSERT_THAT(store_->Commit({.reports = {*std::move(damaged)}}), IsOk());
  }

  MemoryEventLog log_{1 << 20};
  RoundLog rounds_{log_, {}};
  EngineLimits limits_;
  std::optional<Engine> engine_{limits_};
  prometheus::Registry registry_;
  std::unique_ptr<RowDatabase> database_;
  std::unique_ptr<DurableRowStore> store_;
};

}  // namespace alertjoin
