#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/uplink/uplink.h"
#include "tests/support/manual_clock.h"

namespace alertjoin {

// The producer's end of the stream: a spool with its uplink, and what a webhook does with them.
class ProducerEnd {
 public:
  static constexpr Timestamp kNow = Timestamp::FromMillis(1'772'000'000'000);

  explicit ProducerEnd(const std::string& address, const std::string& producer_id = "ingest-1",
                       Millis silence_max = Millis(30'000));
  // A process that finds `log` at this time. The log must outlive it.
  ProducerEnd(const std::string& address, EventLog& log, Timestamp now);

  // Appends alerts "NAME-FROM" to "NAME-THROUGH", one after the other.
  void Append(int from, int through);
  // The same in one go, so that they travel in one batch.
  void AppendTogether(int from, int through);
  // Waits until everything appended is acknowledged. False after half a minute.
  bool WaitAcknowledged();
  // Waits until the uplink is in the state. False after half a minute.
  bool WaitState(UplinkState state);
  // Waits until the counter has grown to `value`. False after half a minute.
  bool WaitMetric(const std::string& name, double value, const std::string& label_value = "");
  double Metric(const std::string& name, const std::string& label_value = "");

  // The fingerprints that Append(from, through) made.
  std::vector<std::string> Names(int from, int through) const;

  Spool& spool() { return spool_; }
  Uplink& uplink() { return uplink_; }

 private:
  ProducerEnd(const std::string& address, const std::string& producer_id, Millis silence_max,
              EventLog* log, Timestamp now);

  const std::string name_;
  MemoryEventLog own_log_{256 << 20};
  Spool spool_;
  prometheus::Registry registry_;
  ManualClock clock_;
  LogPosition last_;
  Uplink uplink_;
};

}  // namespace alertjoin
