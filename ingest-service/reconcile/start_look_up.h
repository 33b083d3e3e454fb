#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest-service/prometheus/executor.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/reconcile/active_alerts.h"
#include "ingest-service/reconcile/evaluated_rules.h"
#include "ingest-service/reconcile/firing_history.h"

namespace alertjoin {

// Finds out since when alerts had been firing that fired already when their history began: from
// when they became active (ALERTS_FOR_STATE) and the `for` of their rule follows where to look.
// Everything runs on the executor's thread; what is passed in must outlive it.
class StartLookUp {
 public:
  static constexpr size_t kWaitingMax = 20'000;
  static constexpr size_t kInFlightMax = 4;

  // Changes of one alert whose start is not known, with a time at which it was firing.
  struct Wanted {
    LabelSet labels;
    Timestamp firing_at;
    Timestamp read_again_from;
    std::vector<FiringChange> changes;
  };
  // What was found; nothing: it cannot be known.
  using Found = std::function<void(Wanted, std::optional<Timestamp> starts_at,
                                   std::optional<Timestamp> active_at)>;

  // `lookback`: the server's.
  StartLookUp(PrometheusClient& client, Executor& executor, Millis lookback, Found found)
      : client_(client), executor_(executor), lookback_(lookback), found_(std::move(found)) {}

  // False when there are too many.
  bool Add(const FiringChange& change, Timestamp read_again_from);

  // Looks all up, and calls `done` when that is done, or with the first failure: then what is left
  // waits for the next Run. REQUIRES: not running, and not empty.
  void Run(const EvaluatedRules& rules, const ActiveAlerts& active,
           std::function<void(absl::Status)> done);

  bool empty() const { return waiting_.empty(); }
  // The earliest `read_again_from` of what waits.
  std::optional<Timestamp> UndecidedFrom() const;

 private:
  struct Search;

  void StartMore();
  void AskActive(const std::shared_ptr<Search>& search);
  void AskFirst(const std::shared_ptr<Search>& search);
  void Finish(const std::shared_ptr<Search>& search, std::optional<Timestamp> starts_at);
  void Fail(const std::shared_ptr<Search>& search, const absl::Status& status);

  PrometheusClient& client_;
  Executor& executor_;
  const Millis lookback_;
  const Found found_;
  std::map<LabelSet, Wanted> waiting_;
  // Of a run.
  const EvaluatedRules* rules_ = nullptr;
  const ActiveAlerts* active_ = nullptr;
  std::function<void(absl::Status)> done_;
  std::deque<LabelSet> next_;
  size_t in_flight_ = 0;
  absl::Status status_;
};

}  // namespace alertjoin
