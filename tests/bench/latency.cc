// How long a subscriber waits for the row of an alert.
//
// Workload: both services whole, each with a new folder on the disk, and one subscriber over gRPC,
// all in this process; 10 alerts/s, each in a POST of its own on one connection, for 30 s. The time
// runs from the first byte of the POST until the subscriber has the row. Two syncs lie between:
// that of the spool and that of the correlator's log. Between the POSTs, so that processor and disk
// are as cold for them: a plain write of 1,000 bytes with fdatasync, and a unary gRPC call of the
// correlator. The same without pauses, before and after, is printed for comparison.
// Checked: every POST is answered 200, and every alert comes as one row.
// The value is p99 as a ratio to 4 x (two syncs + one call), medians of those between the POSTs.
//   latency [FOLDER]   Where to write: the working folder by default.

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/log/log.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "common/time/rfc3339.h"
#include "correlator-service/app/correlator_app.h"
#include "ingest-service/app/ingest_app.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {
namespace {

constexpr int kAlerts = 300;
constexpr int kWarmUp = 10;  // Before them, not counted.
constexpr std::chrono::milliseconds kInterval(100);
constexpr int kSyncs = 100;
constexpr int kCalls = 500;

std::string NotificationOf(int alert) {
  return fmt::format(
      R"({{"receiver":"join","status":"firing","alerts":[{{"status":"firing","labels":)"
      R"({{"alertname":"DiskFull","instance":"{}","job":"node","severity":"critical"}},)"
      R"("annotations":{{"summary":"Disk is filling up."}},"startsAt":"{}",)"
      R"("endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"{:016x}"}}],)"
      R"("groupLabels":{{}},"commonLabels":{{}},"commonAnnotations":{{}},)"
      R"("externalURL":"http://alertmanager.example:9093","version":"4","groupKey":"{{}}"}})",
      alert, FormatRfc3339(SystemClock().Now()), alert);
}

// Notes when the row of each alert comes, by the alert's number.
class Arrivals {
 public:
  explicit Arrivals(v1::CorrelatorService::Stub& stub) {
    v1::SubscribeJoinedRowsRequest request;
    request.set_start(v1::SUBSCRIPTION_START_LIVE);
    reader_ = stub.SubscribeJoinedRows(&context_, request);
    v1::SubscribeJoinedRowsResponse response;
    CHECK(reader_->Read(&response) && response.has_started());
    thread_ = std::thread([this] { Read(); });
  }
  ~Arrivals() {
    context_.TryCancel();
    thread_.join();
    (void)reader_->Finish();
  }
  // Returns when `count` rows have come.
  std::map<int, BenchClock::time_point> Wait(size_t count) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(mutex_);
    while (times_.size() < count) changed_.Wait(mutex_);
    return times_;
  }

 private:
  void Read() EXCLUDES_LOCK(mutex_) {
    v1::SubscribeJoinedRowsResponse response;
    while (reader_->Read(&response)) {
      const auto now = BenchClock::now();
      MutexLock lock(mutex_);
      for (const v1::JoinedRow& row : response.rows().rows()) {
        CHECK(times_.emplace(std::stoi(row.transition().instance()), now).second);
      }
      changed_.NotifyAll();
    }
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeJoinedRowsResponse>> reader_;
  Mutex mutex_;
  CondVar changed_;
  std::map<int, BenchClock::time_point> times_ GUARDED_BY(mutex_);
  std::thread thread_;
};

double CallSeconds(v1::CorrelatorService::Stub& stub) {
  v1::ListJoinedRowsRequest request;
  request.set_page_size(1);
  request.set_filter("alertname=NoSuchAlert");
  grpc::ClientContext context;
  v1::ListJoinedRowsResponse response;
  const auto begin = BenchClock::now();
  CHECK(stub.ListJoinedRows(&context, request, &response).ok());
  return SecondsSince(begin);
}

// In seconds.
struct Latencies {
  std::vector<double> rows;     // From POST to row.
  std::vector<double> answers;  // From POST to its answer.
  std::vector<double> syncs;
  std::vector<double> calls;
};

Latencies PostAlerts(int http_port, Arrivals& arrivals, SyncedFile& file,
                     v1::CorrelatorService::Stub& stub) {
  RawHttpClient client(http_port);
  std::vector<BenchClock::time_point> sent;
  Latencies latencies;
  auto at = BenchClock::now();
  for (int i = 0; i < kWarmUp + kAlerts; ++i) {
    std::this_thread::sleep_until(at += kInterval);
    const std::string request = PostRequest("/webhook", NotificationOf(i));
    sent.push_back(BenchClock::now());
    const auto response = client.Ask(request);
    CHECK(response.has_value() && response->status == 200);
    const double answered = SecondsSince(sent.back());
    std::this_thread::sleep_until(at + kInterval / 3);
    const double synced = file.AppendSeconds();
    std::this_thread::sleep_until(at + 2 * kInterval / 3);
    const double called = CallSeconds(stub);
    if (i < kWarmUp) continue;
    latencies.answers.push_back(answered);
    latencies.syncs.push_back(synced);
    latencies.calls.push_back(called);
  }
  const auto arrived = arrivals.Wait(kWarmUp + kAlerts);
  for (int i = kWarmUp; i < kWarmUp + kAlerts; ++i) {
    latencies.rows.push_back(
        std::chrono::duration<double>(arrived.at(i) - sent[static_cast<size_t>(i)]).count());
  }
  return latencies;
}

// Syncs and calls one after another.
void MeasureBusy(Latencies& busy, SyncedFile& file, v1::CorrelatorService::Stub& stub) {
  for (int i = 0; i < kSyncs; ++i) busy.syncs.push_back(file.AppendSeconds());
  for (int i = 0; i < kCalls; ++i) busy.calls.push_back(CallSeconds(stub));
}

void Print(const char* what, const std::vector<double>& seconds) {
  fmt::print("{}: p50 {:.3f} ms, p99 {:.3f} ms, max {:.3f} ms\n", what, Median(seconds) * 1e3,
             Quantile(seconds, 0.99) * 1e3, Quantile(seconds, 1) * 1e3);
}

double LimitSeconds(const Latencies& beside) {
  return 4 * (2 * Median(beside.syncs) + Median(beside.calls));
}

int Run(const std::filesystem::path& parent) {
  SetLogLevel(LogLevel::kWarn);
  const BenchFolder folder(parent);
  CorrelatorConfig correlator_config;
  correlator_config.grpc_listen_address = "127.0.0.1:0";
  correlator_config.http_listen_address = "127.0.0.1:0";
  correlator_config.data_path = folder.path() / "correlator";
  const auto correlator = CorrelatorApp::Start(correlator_config);
  CHECK(correlator.ok());
  const std::string address = fmt::format("127.0.0.1:{}", (*correlator)->grpc_port());
  IngestConfig ingest_config;
  ingest_config.producer_id = "bench";
  ingest_config.correlator_address = address;
  ingest_config.http_listen_address = "127.0.0.1:0";
  ingest_config.spool_path = folder.path() / "spool";
  const auto ingest = IngestApp::Start(ingest_config);
  CHECK(ingest.ok());
  const auto stub = v1::CorrelatorService::NewStub(MakeChannel(address));

  Latencies busy;
  Latencies latencies;
  {
    SyncedFile file(folder.path());
    MeasureBusy(busy, file, *stub);
    Arrivals arrivals(*stub);
    latencies = PostAlerts((*ingest)->http_port(), arrivals, file, *stub);
    MeasureBusy(busy, file, *stub);
  }
  (*ingest)->Stop();
  (*correlator)->Stop();

  const double p99 = Quantile(latencies.rows, 0.99);
  Print("one sync, without pauses", busy.syncs);
  Print("one gRPC call, without pauses", busy.calls);
  fmt::print("p99 of POST to row / 4 x (two of these syncs + one of these calls): {:.3f}\n",
             p99 / LimitSeconds(busy));
  Print("one sync", latencies.syncs);
  Print("one gRPC call", latencies.calls);
  Print("POST to its answer", latencies.answers);
  Print("POST to the subscriber's row", latencies.rows);
  fmt::print("4 x (two syncs + one call): {:.3f} ms\n", LimitSeconds(latencies) * 1e3);
  fmt::print("latency: {:.3f} x\n", p99 / LimitSeconds(latencies));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) { return alertjoin::Run(argc > 1 ? argv[1] : "."); }
