#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "common/event/event.h"
#include "common/log/log.h"
#include "common/metrics/owned_gauge.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/prometheus/http_transport.h"
#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {

// How one metrics source fares, from all its answers: its health, what it remarks on its answers,
// and how far its clock is from ours. All of it goes into metrics, each change into the log, and
// reports of it are made for those who read. Thread-safe. Registry and clock must outlive it.
//
// A source that refuses a query is well. That it cannot be reached or fails (5xx) counts unless it
// has answered another call meanwhile: one query that is too heavy does not make it unwell.
class SourceWatch {
 public:
  // `on_change` is called, on the thread of the answer, when a report has become due.
  SourceWatch(std::string source, prometheus::Registry& registry, const Clock& clock,
              std::function<void()> on_change = {});

  // The time for `sent` below, when a call is made.
  Timestamp Now() const { return clock_.Now(); }

  // The answer of a query: what came, and what it was decoded to, or why there is nothing.
  void OnQueryAnswer(const std::string& expression, Timestamp sent,
                     const absl::StatusOr<HttpAnswer>& answer,
                     const absl::StatusOr<QueryResult>& result);
  // Of another path of the API, which counts only while no query tells more: some servers have not
  // all paths, and some users may not see them.
  void OnOtherAnswer(Timestamp sent, const absl::StatusOr<HttpAnswer>& answer,
                     const absl::Status& decoded);

  // What is to be told when a report is due: the health has changed, or nothing was told for
  // kReportInterval. Nothing before the first answer. It stays due until Reported is called.
  std::optional<SourceStatus> DueReport(Timestamp now, const std::string& producer_id) const;
  void Reported(const SourceStatus& report);
  // When a report will be due if nothing changes.
  Timestamp NextDue() const;

  static constexpr Millis kReportInterval = std::chrono::minutes(3);

 private:
  void RecordHealth(Timestamp sent, const absl::StatusOr<HttpAnswer>& answer,
                    const absl::Status& decoded) EXCLUDES_LOCK(mutex_);
  void RecordSkew(Timestamp sent, Timestamp received, Timestamp date) EXCLUDES_LOCK(mutex_);
  void RecordRemarks(const std::string& expression, const QueryResult& result)
      EXCLUDES_LOCK(mutex_);
  // Whether it was not in the set before, which is bounded.
  bool IsNew(const std::string& text) EXCLUDES_LOCK(mutex_);
  void SetGauges(SourceHealth health);

  const std::string source_;
  const Clock& clock_;
  const std::function<void()> on_change_;
  std::array<OwnedGauge, 5> health_gauges_;  // By SourceHealth, from 1.
  OwnedGauge skew_;
  prometheus::Counter& warnings_;
  prometheus::Counter& infos_;
  LogLimiter health_log_;
  LogLimiter skew_log_;

  mutable Mutex mutex_;
  std::optional<SourceHealth> health_ GUARDED_BY(mutex_);
  std::string last_error_ GUARDED_BY(mutex_);
  std::optional<Timestamp> last_error_time_ GUARDED_BY(mutex_);
  Timestamp last_ok_ GUARDED_BY(mutex_) = Timestamp::Min();
  Timestamp last_query_ GUARDED_BY(mutex_) = Timestamp::Min();
  std::string remark_ GUARDED_BY(mutex_);  // The last one.
  std::set<std::string> logged_ GUARDED_BY(mutex_);
  std::optional<SourceHealth> reported_health_ GUARDED_BY(mutex_);
  Timestamp reported_at_ GUARDED_BY(mutex_) = Timestamp::Min();
};

// What an answer says of the health of its source. Nothing for what says nothing: calls that we
// broke off or did not make.
std::optional<SourceHealth> HealthOf(const absl::StatusOr<HttpAnswer>& answer,
                                     const absl::Status& decoded);

// ok, auth, forbidden, unreachable, error.
const char* NameOf(SourceHealth health);

// The text, cut to what an event takes, as UTF-8.
std::string SourceText(const std::string& text);

}  // namespace alertjoin
