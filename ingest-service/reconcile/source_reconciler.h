#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log/log.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/reconcile/active_alerts.h"
#include "ingest-service/reconcile/alert_labelling.h"
#include "ingest-service/reconcile/evaluated_rules.h"
#include "ingest-service/reconcile/firing_history.h"
#include "ingest-service/reconcile/reconcile_metrics.h"
#include "ingest-service/reconcile/start_look_up.h"
#include "ingest-service/reconcile/told_runs.h"
#include "ingest-service/reconcile/transition_ledger.h"

namespace alertjoin {

struct SourceReconcilerOptions {
  std::string source;        // The metrics source.
  std::string alert_source;  // Where its alerts are sent from.
  std::string url;           // What the links in its alerts start with.
  Millis interval = std::chrono::seconds(30);
  // How far back the history is read at the very first start.
  Millis first_lookback = std::chrono::hours(6);
  Millis settle_delay = std::chrono::seconds(10);
  Millis lookback = std::chrono::minutes(5);      // --query.lookback-delta
  Millis resend_delay = std::chrono::minutes(1);  // --rules.alert.resend-delay
};

// Follows the alerts of one Prometheus: asks it at intervals for its active alerts, its rules and
// configuration, and reads the ALERTS series from where it has read them last, however long ago
// that is. What it finds goes to the ledger. After a failure it goes on from the same place.
//
// Everything, the constructor apart, runs on the executor's thread. What is passed in must outlive
// it, and the client must not call back once it is gone.
class SourceReconciler {
 public:
  // What has not been read in so long a time is left out.
  static constexpr Millis kCatchUpMax = std::chrono::days(7);

  struct Environment {
    PrometheusClient& client;
    TransitionLedger& ledger;
    TransitionLedger::Finder finder;  // Its number there.
    Executor& executor;
    const Clock& clock;
    ReconcileMetrics& metrics;
  };

  // `read_from`: what an earlier process gave as covered().
  SourceReconciler(SourceReconcilerOptions options, Environment environment,
                   std::optional<Timestamp> read_from);

  // Begins to poll when it is time. Gives when the next time is; the end of a poll may make that
  // earlier.
  Timestamp Step();

  // Whatever there is in its history up to then has been decided: it is taken, or need not be. A
  // later process must read on from there. Nothing when nothing was read so far.
  std::optional<Timestamp> covered() const;
  // The part of the history that was read in one piece, and not decided by an earlier process.
  std::optional<Timestamp> read_since() const { return read_since_; }
  std::optional<Timestamp> read_through() const { return history_.through(); }

  const SourceReconcilerOptions& options() const { return options_; }

 private:
  // The answers of one poll.
  struct Basics {
    size_t awaited = 0;
    absl::Status status;
    std::optional<nlohmann::json> alerts;
    std::optional<nlohmann::json> config;
    std::optional<nlohmann::json> rules;
    std::optional<nlohmann::json> build;
  };

  void Begin(Timestamp now);
  void Get(const std::shared_ptr<Basics>& basics, const std::string& path,
           const PrometheusClient::Parameters& parameters,
           std::optional<nlohmann::json> Basics::*field);
  absl::Status TakeBasics(const Basics& basics, Timestamp now);
  absl::Status TakeConfig(const nlohmann::json& data);
  // Goes on with whatever comes next: look-ups, the next window, the end of the poll.
  void Continue();
  void AskWindow(const EvaluationGrid& grid);
  std::optional<EvaluationGrid> NextWindow(Timestamp now) const;
  // Through which time the history is as it will be, when the source's clock shows `now`.
  Timestamp SettledAt(Timestamp now) const;
  // The first time of all that is asked.
  Timestamp FirstTime(Timestamp settled, Millis step) const;
  // `took` is since it was asked for.
  void OnWindow(EvaluationGrid grid, absl::StatusOr<QueryResult> answer, Millis took);
  bool NeedsNewRules(const QueryResult& answer, Millis step) const;
  void RefreshRules();
  void TakeChange(const FiringChange& change, Millis step);
  // By an earlier process.
  bool IsDecided(const FiringChange& change) const;
  // What the other sources of the alert source are told begins anew.
  void BeginRuns();
  void Found(const FiringChange& change, FiringRuns::RunId run, Timestamp read_again_from);
  void OnLookedUp(StartLookUp::Wanted wanted, std::optional<Timestamp> starts_at,
                  std::optional<Timestamp> active_at);
  void End(const absl::Status& status);
  // By the metric: how far the history has been read.
  void ShowThrough(Timestamp through) const;

  const SourceReconcilerOptions options_;
  const Environment environment_;
  std::optional<Timestamp> read_from_;
  // What was known by then has been decided by an earlier process.
  std::optional<Timestamp> decided_through_;

  Timestamp due_ = Timestamp::Min();
  bool busy_ = false;
  std::string config_text_;
  std::string version_;
  AlertLabelling labelling_;
  EvaluatedRules rules_;
  Timestamp rules_due_ = Timestamp::Min();
  bool rules_fresh_ = false;  // Asked for in this poll.
  ActiveAlerts active_;
  FiringHistory history_;
  StartLookUp look_up_;
  ToldRuns told_runs_;
  std::optional<Timestamp> read_since_;
  int64_t window_points_;
  uint64_t not_followed_ = 0;
  LogLimiter log_limiter_;
};

}  // namespace alertjoin
