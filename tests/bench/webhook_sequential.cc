// How long one sender waits for its webhook notifications to be taken, one after the other.
//
// Workload: the webhook of ingest-service (HTTP server, decoder, spool in memory) and a correlator
// that acknowledges at once, stood in for by a thread that decodes and acknowledges the spool; one
// connection, kept alive, over loopback; 2,000 POSTs of 5 alerts each (3.4 KB), different in
// every notification, after 200 that are not timed. Checked before anything is printed: each answer
// is 200 and empty, and the spool was given every alert, in order.
// The value is the median time from the first byte sent to the last byte received, in ms.

#include <fmt/format.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "common/net/http_server.h"
#include "common/status/status.h"
#include "ingest-service/alertmanager/webhook.h"
#include "ingest-service/intake/transition_intake.h"
#include "ingest-service/spool/spool.h"
#include "tests/support/acknowledging_uplink.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {
namespace {

constexpr int kWarmUp = 200;
constexpr int kTimed = 2000;
constexpr int kAlerts = 5;

class OneBinding final : public Binder {
 public:
  std::vector<Binding> Bind(const TransitionEvent&) const override {
    Binding binding;
    binding.query = {"prom", "disk_used_percent", "disk_used_percent", TimeKind::kSample};
    binding.matching = Matching::kAgreement;
    binding.comparison_operator = ">=";
    binding.threshold = 90;
    return {binding};
  }
};

class NoListener final : public TransitionListener {
 public:
  void OnTransitions(std::span<const TransitionEvent>) override {}
};

std::string InstanceOf(int notification, int alert) {
  return fmt::format("db{}-{}:9100", notification, alert);
}

std::string NotificationOf(int notification) {
  std::string alerts;
  for (int i = 0; i < kAlerts; ++i) {
    alerts += fmt::format(
        R"({}{{"status":"{}","labels":{{"alertname":"DiskFull","cluster":"eu-west-1",)"
        R"("device":"/dev/sda1","fstype":"ext4","instance":"{}","job":"node","mountpoint":"/",)"
        R"("severity":"critical","team":"storage"}},"annotations":{{"description":)"
        R"("Filesystem on /dev/sda1 at {} has less than 10% space left.","runbook_url":)"
        R"("https://runbooks.example/disk-full","summary":"Disk is filling up.","value":"93.{}"}},)"
        R"("startsAt":"2026-03-01T10:00:12.345Z","endsAt":"{}","generatorURL":)"
        R"("http://prometheus.example:9090/graph?g0.expr=disk_used_percent+%3E+90\u0026g0.tab=1",)"
        R"("fingerprint":"{:016x}"}})",
        i == 0 ? "" : ",", i % 2 == 0 ? "firing" : "resolved", InstanceOf(notification, i),
        InstanceOf(notification, i), i,
        i % 2 == 0 ? "0001-01-01T00:00:00Z" : "2026-03-01T10:05:42.345Z",
        notification * kAlerts + i);
  }
  return fmt::format(
      R"({{"receiver":"join","status":"firing","alerts":[{}],"groupLabels":)"
      R"({{"alertname":"DiskFull"}},"commonLabels":{{"alertname":"DiskFull","job":"node"}},)"
      R"("commonAnnotations":{{}},"externalURL":"http://alertmanager.example:9093",)"
      R"("version":"4","groupKey":"{{}}:{{alertname=\"DiskFull\"}}","truncatedAlerts":0}})"
      "\n",
      alerts);
}

// Every alert of every notification, in order.
void CheckStored(AcknowledgingUplink& uplink) {
  std::vector<Event> events = uplink.TakeEvents();
  std::erase_if(events, [](const Event& event) { return TransitionOf(event) == nullptr; });
  CHECK(events.size() == static_cast<size_t>((kWarmUp + kTimed) * kAlerts));
  for (size_t i = 0; i < events.size(); ++i) {
    const TransitionEvent& event = *TransitionOf(events[i]);
    const int index = static_cast<int>(i);
    CHECK(event.labels.Get("instance") == InstanceOf(index / kAlerts, index % kAlerts));
    CHECK((event.state == AlertState::kFiring) == (index % kAlerts % 2 == 0));
  }
}

int Run() {
  MemoryEventLog log(256 << 20);
  Spool spool(log, 256 << 20);
  AcknowledgingUplink uplink(spool);
  OneBinding binder;
  NoListener listener;
  prometheus::Registry registry;
  WebhookOptions options;
  options.sources = {"main"};
  TransitionIntake intake(binder, spool, listener);
  Webhook webhook(options, intake, SystemClock(), registry);
  HttpServer server({});
  webhook.AddTo(server);
  CHECK(server.Start().ok());

  std::vector<std::string> requests;
  for (int i = 0; i < kWarmUp + kTimed; ++i) {
    requests.push_back(PostRequest("/webhook/main", NotificationOf(i)));
  }
  std::vector<double> times_ms;
  RawHttpClient client(server.port());
  for (int i = 0; i < kWarmUp + kTimed; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const auto response = client.Ask(requests[static_cast<size_t>(i)]);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    CHECK(response.has_value() && response->status == 200 && response->body.empty());
    if (i >= kWarmUp) times_ms.push_back(time.count());
  }
  CheckStored(uplink);
  server.Stop();

  std::sort(times_ms.begin(), times_ms.end());
  const auto quantile = [&times_ms](double q) {
    return times_ms[static_cast<size_t>(q * static_cast<double>(times_ms.size() - 1))];
  };
  fmt::print("{} POSTs of {} alerts, {} bytes each, on one connection\n", kTimed, kAlerts,
             requests.back().size());
  fmt::print("p50 {:.3f} ms, p90 {:.3f} ms, p99 {:.3f} ms, max {:.3f} ms\n", quantile(0.5),
             quantile(0.9), quantile(0.99), times_ms.back());
  fmt::print("webhook_sequential: {:.3f} ms\n", quantile(0.5));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main() { return alertjoin::Run(); }
