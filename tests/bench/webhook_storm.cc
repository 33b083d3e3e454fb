// How many alerts the webhook takes for good when many senders come at once.
//
// Workload: ingest-service whole, with a new spool on the disk and no correlator, in this process;
// 16 connections that are kept alive, each with one POST of 10 alerts (6.4 KB) after the other, all
// alerts different; 200 comes after the sync. Beside it: cpp-httplib with a handler that parses the
// same JSON with nlohmann/json and does nothing with it. The load comes from one thread of this
// process, the same for both.
// Checked in every run: every answer is 200, and the spool holds every alert and every
// notification. Five runs of each, in turn; the value is the ratio of the medians of POSTs/s.
//   webhook_storm [FOLDER]   Where to write: the working folder by default.

#include <fmt/format.h>
#include <httplib.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/log/log.h"
#include "common/status/status.h"
#include "ingest-service/app/ingest_app.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/bench/support/http_load.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 5;
constexpr size_t kConnections = 16;
constexpr int kPosts = 4'000;
constexpr int kAlerts = 10;

std::string NotificationOf(int notification) {
  std::string alerts;
  for (int i = 0; i < kAlerts; ++i) {
    const int number = notification * kAlerts + i;
    alerts += fmt::format(
        R"({}{{"status":"firing","labels":{{"alertname":"DiskFull","cluster":"eu-west-1",)"
        R"("device":"/dev/sda1","fstype":"ext4","instance":"db{}:9100","job":"node",)"
        R"("mountpoint":"/","severity":"critical","team":"storage"}},"annotations":)"
        R"({{"description":"Filesystem on /dev/sda1 at db{} has less than 10% space left.",)"
        R"("runbook_url":"https://runbooks.example/disk-full","summary":"Disk is filling up.",)"
        R"("value":"93.{}"}},"startsAt":"2026-03-01T10:00:12.345Z",)"
        R"("endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example:9090/graph)"
        R"(?g0.expr=disk_used_percent+%3E+90\u0026g0.tab=1","fingerprint":"{:016x}"}})",
        i == 0 ? "" : ",", number, number, i, number);
  }
  return fmt::format(
      R"({{"receiver":"join","status":"firing","alerts":[{}],"groupLabels":)"
      R"({{"alertname":"DiskFull"}},"commonLabels":{{"alertname":"DiskFull","job":"node"}},)"
      R"("commonAnnotations":{{}},"externalURL":"http://alertmanager.example:9093",)"
      R"("version":"4","groupKey":"{{}}:{{alertname=\"DiskFull\"}}","truncatedAlerts":0}})"
      "\n",
      alerts);
}

// The number behind the name in the service's metrics.
double MetricOf(int port, const std::string& name) {
  const auto metrics = RawHttpClient(port).Ask(GetRequest("/metrics"));
  CHECK(metrics.has_value() && metrics->status == 200);
  const size_t found = metrics->body.find("\n" + name + " ");
  CHECK(found != std::string::npos);
  return std::stod(metrics->body.substr(found + name.size() + 2));
}

HttpLoadResult RunService(const std::filesystem::path& parent,
                          const std::vector<std::string>& requests) {
  const BenchFolder folder(parent);
  IngestConfig config;
  config.producer_id = "bench";
  // Nobody listens there.
  config.correlator_address = "127.0.0.1:1";
  config.http_listen_address = "127.0.0.1:0";
  config.spool_path = folder.path() / "spool";
  const auto app = IngestApp::Start(config);
  CHECK(app.ok());
  HttpLoadResult result = RunHttpLoad((*app)->http_port(), kConnections, requests);
  // Each alert, and each notification as it was sent.
  CHECK(MetricOf((*app)->http_port(), "alertjoin_spool_events{lane=\"alerts\"}") ==
        kPosts * (kAlerts + 1));
  (*app)->Stop();
  return result;
}

HttpLoadResult RunEmptyHandler(const std::vector<std::string>& requests) {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kConnections); };
  server.set_keep_alive_max_count(requests.size());
  server.set_tcp_nodelay(true);
  std::atomic<size_t> alerts = 0;
  server.Post("/webhook", [&alerts](const httplib::Request& request, httplib::Response& response) {
    const auto json = nlohmann::json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    response.status = json.is_object() ? 200 : 400;
    alerts += json["alerts"].size();
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  CHECK(port > 0);
  std::thread thread([&server] { server.listen_after_bind(); });
  HttpLoadResult result = RunHttpLoad(port, kConnections, requests);
  CHECK(alerts == static_cast<size_t>(kPosts) * kAlerts);
  server.stop();
  thread.join();
  return result;
}

int Run(const std::filesystem::path& parent) {
  SetLogLevel(LogLevel::kError);
  std::vector<std::string> requests;
  for (int i = 0; i < kPosts; ++i) {
    requests.push_back(PostRequest("/webhook", NotificationOf(i)));
  }
  std::vector<double> service, empty;
  for (int i = 0; i < kRuns; ++i) {
    const HttpLoadResult ours = RunService(parent, requests);
    const HttpLoadResult peer = RunEmptyHandler(requests);
    service.push_back(kPosts / ours.seconds);
    empty.push_back(kPosts / peer.seconds);
    fmt::print(
        "ingest-service: {:.0f} POSTs/s, p50 {:.2f} ms, p99 {:.2f} ms, {:.0f} us of processor time "
        "a "
        "POST; empty handler: {:.0f} POSTs/s, p50 {:.2f} ms, {:.0f} us\n",
        service.back(), Median(ours.answer_seconds) * 1e3,
        Quantile(ours.answer_seconds, 0.99) * 1e3, ours.processor_seconds / kPosts * 1e6,
        empty.back(), Median(peer.answer_seconds) * 1e3, peer.processor_seconds / kPosts * 1e6);
  }
  const double sync = Median(SyncSeconds(parent, 200));
  fmt::print("{} POSTs of {} alerts, {} bytes each; one sync: {:.2f} ms\n", kPosts, kAlerts,
             requests.back().size(), sync * 1e3);
  fmt::print("median: {:.0f} alerts/s; empty handler: {:.0f} alerts/s\n", Median(service) * kAlerts,
             Median(empty) * kAlerts);
  fmt::print("webhook_storm: {:.3f} x\n", Median(service) / Median(empty));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) { return alertjoin::Run(argc > 1 ? argv[1] : "."); }
