#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <string>

#include "common/metrics/owned_gauge.h"
#include "common/sync/mutex.h"

namespace alertjoin {

// Why something that was found is not added.
enum class LeftOut {
  kRelabelled,     // Prometheus drops the alert before it sends it.
  kUnknownStart,   // It began before the history, and nothing tells when.
  kTooManyAlerts,  // More at once than are followed.
  kOverLimit,      // Labels or annotations beyond the limits of an event.
};

// Counts what reconciliation finds. Thread-safe. The registry must outlive it. Its gauges go with
// it. Label values are names of configured sources and words of this code, so they are bounded.
class ReconcileMetrics {
 public:
  explicit ReconcileMetrics(prometheus::Registry& registry);

  // Of an alert source: transitions by who saw them.
  struct Seen {
    prometheus::Counter& both;
    prometheus::Counter& reconciliation_only;
    prometheus::Counter& webhook_later;  // Had counted as reconciliation_only.
    prometheus::Counter& webhook_only;
    prometheus::Counter& within_another;  // Found while another metrics source saw it firing.
    prometheus::Counter& forgotten;       // Found, and not added: too many are waiting.
  };
  Seen SeenOf(const std::string& alert_source);

  // Of a metrics source. Outcomes: ok, failed.
  void CountPoll(const std::string& source, const std::string& outcome);
  void CountLeftOut(const std::string& source, LeftOut why, size_t count = 1);
  void CountRoughEnd(const std::string& source);
  void CountAddFailure(const std::string& source);
  void SetAlerts(const std::string& source, size_t pending, size_t firing) EXCLUDES_LOCK(mutex_);
  // How far its history has been read, as a Unix time.
  void SetThrough(const std::string& source, double seconds) EXCLUDES_LOCK(mutex_);

 private:
  prometheus::Family<prometheus::Counter>& transitions_;
  prometheus::Family<prometheus::Counter>& polls_;
  prometheus::Family<prometheus::Counter>& left_out_;
  prometheus::Family<prometheus::Counter>& rough_ends_;
  prometheus::Family<prometheus::Counter>& add_failures_;
  prometheus::Family<prometheus::Gauge>& alerts_;
  prometheus::Family<prometheus::Gauge>& through_;

  struct OfSource {
    OwnedGauge pending;
    OwnedGauge firing;
    OwnedGauge through;
  };
  Mutex mutex_;
  std::map<std::string, OfSource> by_source_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
