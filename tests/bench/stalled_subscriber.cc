// What one subscriber that does not read costs the others.
//
// Workload: the reading side of correlator-service over gRPC (row store in memory, subscription
// hub, service) in this process; 49 live subscribers without a filter, each on a connection and a
// thread of its own; 1,000 rows/s for 8 s, in commits of 10. With and without one more subscriber
// that reads its first message and no other. Checked in every run: each live subscriber gets every
// row. Five runs of each, in turn. A delay is the time from the commit of a row to its arrival at a
// live subscriber; the value is the ratio of the medians of its 99th percentiles, with to without.
// Beside it: how much more the process grew, by its resident size; checked, too.

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <prometheus/registry.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/eventlog/memory_event_log.h"
#include "common/log/log.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/query/correlator_service.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/support/engine_tables.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 5;
constexpr size_t kLive = 49;
constexpr size_t kCommits = 800;
constexpr size_t kCommitRows = 10;
constexpr std::chrono::milliseconds kCommitInterval(10);
constexpr double kMebibyte = 1 << 20;
// What the stalled one may add to what the process grows by.
constexpr double kStalledMebibytesMax = 16;

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::vector<JoinedRow> MakeRows(size_t commit) {
  std::vector<JoinedRow> rows(kCommitRows);
  for (size_t i = 0; i < kCommitRows; ++i) {
    const size_t number = commit * kCommitRows + i;
    auto transition = std::make_shared<Transition>();
    transition->source = "am";
    transition->labels = LabelSet{{"alertname", "QueueLong"},
                                  {"instance", fmt::format("host-{}.example:9100", number)},
                                  {"job", "node"},
                                  {"severity", "critical"}};
    transition->fingerprint = transition->labels.FingerprintHex();
    transition->starts_at = transition->received_time = SystemClock().Now();
    transition->annotations = LabelSet{{"summary", "The queue has been long for five minutes."}};
    for (size_t byte = 0; byte < 8; ++byte) {
      rows[i].id.bytes[byte] = static_cast<uint8_t>(number >> 8 * byte);
    }
    rows[i].revision = 1;
    rows[i].transition = std::move(transition);
    rows[i].applied_time = SystemClock().Now();
  }
  return rows;
}

class Subscriber {
 public:
  // Returns when the first message is there.
  explicit Subscriber(int port)
      : stub_(v1::CorrelatorService::NewStub(MakeChannel(fmt::format("127.0.0.1:{}", port)))) {
    v1::SubscribeJoinedRowsRequest request;
    request.set_start(v1::SUBSCRIPTION_START_LIVE);
    reader_ = stub_->SubscribeJoinedRows(&context_, request);
    v1::SubscribeJoinedRowsResponse message;
    CHECK(reader_->Read(&message) && message.has_started());
  }
  ~Subscriber() {
    context_.TryCancel();
    if (thread_.joinable()) thread_.join();
    v1::SubscribeJoinedRowsResponse message;
    while (reader_->Read(&message)) continue;
    (void)reader_->Finish();
  }

  // Reads every row on a thread of its own.
  void Follow(const std::vector<BenchClock::time_point>& committed) {
    thread_ = std::thread([this, &committed] {
      v1::SubscribeJoinedRowsResponse message;
      while (delays_.size() < kCommits * kCommitRows) {
        CHECK(reader_->Read(&message));
        const auto now = BenchClock::now();
        for (const v1::JoinedRow& row : message.rows().rows()) {
          const auto since = now - committed[row.sequence() - 1];
          delays_.push_back(std::chrono::duration<double>(since).count());
        }
      }
    });
  }
  // All delays, when they are there.
  const std::vector<double>& Wait() {
    thread_.join();
    return delays_;
  }

 private:
  const std::unique_ptr<v1::CorrelatorService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeJoinedRowsResponse>> reader_;
  std::vector<double> delays_;
  std::thread thread_;
};

struct Outcome {
  double p99_seconds = 0;
  double grown_bytes = 0;
};

Outcome RunOnce(bool with_stalled) {
  prometheus::Registry registry;
  MemoryRowStore store(registry);
  SubscriptionHub hub(store, SystemClock(), registry);
  Engine engine{EngineLimits{}};
  EngineTables tables(engine);
  MemoryEventLog log(1 << 20);
  RoundLog rounds(log, {});
  SampleReaders samples(rounds);
  CorrelatorServiceImpl service(store, tables, samples, hub, SystemClock());
  GrpcServerOptions options;
  options.services = {&service};
  options.registry = &registry;
  auto running = StartGrpcServer(options);
  CHECK(running.ok());
  std::vector<BenchClock::time_point> committed(kCommits);
  Outcome outcome;
  {
    std::vector<std::unique_ptr<Subscriber>> live;
    for (size_t i = 0; i < kLive; ++i) live.push_back(std::make_unique<Subscriber>(running->port));
    std::unique_ptr<Subscriber> stalled;
    if (with_stalled) stalled = std::make_unique<Subscriber>(running->port);
    const double before = ResidentBytes();
    for (const auto& subscriber : live) subscriber->Follow(committed);
    auto at = BenchClock::now();
    for (size_t i = 0; i < kCommits; ++i) {
      std::this_thread::sleep_until(at += kCommitInterval);
      std::vector<JoinedRow> rows = MakeRows(i);
      // Sequence i + 1; nobody reads it before the commit.
      committed[i] = BenchClock::now();
      CHECK(store.Commit({.changes = std::move(rows)}).ok());
    }
    std::vector<double> delays;
    for (const auto& subscriber : live) {
      const auto& its = subscriber->Wait();
      CHECK(its.size() == kCommits * kCommitRows);
      delays.insert(delays.end(), its.begin(), its.end());
    }
    outcome = {Quantile(std::move(delays), 0.99), ResidentBytes() - before};
  }
  hub.Stop();
  running->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return outcome;
}

int Run() {
  SetLogLevel(LogLevel::kWarn);
  (void)RunOnce(false);  // What a process allocates once.
  std::vector<double> with, without, with_bytes, without_bytes;
  for (int i = 0; i < kRuns; ++i) {
    const Outcome calm = RunOnce(false);
    const Outcome stalled = RunOnce(true);
    without.push_back(calm.p99_seconds);
    without_bytes.push_back(calm.grown_bytes);
    with.push_back(stalled.p99_seconds);
    with_bytes.push_back(stalled.grown_bytes);
  }
  fmt::print("49 live subscribers: p99 {:.2f} ms, the process grew by {:.1f} MiB\n",
             Median(without) * 1e3, Median(without_bytes) / kMebibyte);
  fmt::print("and one that is stalled: p99 {:.2f} ms, the process grew by {:.1f} MiB\n",
             Median(with) * 1e3, Median(with_bytes) / kMebibyte);
  CHECK((Median(with_bytes) - Median(without_bytes)) / kMebibyte <= kStalledMebibytesMax);
  fmt::print("stalled_subscriber: {:.3f} x\n", Median(with) / Median(without));
  return 0;
}

}  // namespace
}  // namespace alertjoin

int main() { return alertjoin::Run(); }
