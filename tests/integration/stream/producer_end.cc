#include "tests/integration/stream/producer_end.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/stream/correlator_end.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience(30);

UplinkOptions OptionsOf(const std::string& address, const std::string& producer_id,
                        Millis silence_max) {
  UplinkOptions options;
  options.address = address;
  options.producer_id = producer_id;
  options.version = "test";
  options.lane = "alerts";
  options.backoff_initial = Millis(10);
  options.backoff_cap = Millis(100);
  options.welcome_timeout = std::min(options.welcome_timeout, silence_max);
  options.silence_max = silence_max;
  return options;
}

// For what nothing signals, such as a counter.
bool WaitFor(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

ProducerEnd::ProducerEnd(const std::string& address, const std::string& producer_id,
                         Millis silence_max)
    : ProducerEnd(address, producer_id, silence_max, nullptr, kNow) {}

ProducerEnd::ProducerEnd(const std::string& address, EventLog& log, Timestamp now)
    : ProducerEnd(address, "ingest-1", Millis(30'000), &log, now) {}

ProducerEnd::ProducerEnd(const std::string& address, const std::string& producer_id,
                         Millis silence_max, EventLog* log, Timestamp now)
    : name_(producer_id),
      spool_(log == nullptr ? own_log_ : *log, 256 << 20),
      clock_(now),
      uplink_(OptionsOf(address, producer_id, silence_max), spool_, clock_, registry_) {
  uplink_.Start();
}

void ProducerEnd::Append(int from, int through) {
  for (int i = from; i <= through; ++i) AppendTogether(i, i);
}

void ProducerEnd::AppendTogether(int from, int through) {
  std::vector<Event> alerts;
  for (const std::string& name : Names(from, through)) {
    TransitionEvent alert;
    alert.source = "am";
    alert.fingerprint = name;
    alerts.push_back(alert);
  }
  const auto position = spool_.Append(alerts);
  ASSERT_TRUE(position.ok()) << position.status();
  last_ = *position;
}

bool ProducerEnd::WaitAcknowledged() {
  return spool_.WaitAcknowledged(last_, std::chrono::steady_clock::now() + kPatience);
}

bool ProducerEnd::WaitState(UplinkState state) {
  return WaitFor([&] { return uplink_.state() == state; });
}

bool ProducerEnd::WaitMetric(const std::string& name, double value,
                             const std::string& label_value) {
  return WaitFor([&] { return Metric(name, label_value) >= value; });
}

double ProducerEnd::Metric(const std::string& name, const std::string& label_value) {
  return MetricOf(registry_, name, label_value);
}

std::vector<std::string> ProducerEnd::Names(int from, int through) const {
  std::vector<std::string> names;
  for (int i = from; i <= through; ++i) names.push_back(name_ + "-" + std::to_string(i));
  return names;
}

}  // namespace alertjoin
