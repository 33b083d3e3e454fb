// How fast the whole table leaves over HTTP.
//
// Workload: the reading side of correlator-service (row store in memory, gRPC, HTTP) in this
// process; 1,000,000 joined rows of 1,000 alerts with ten labels each; GET /api/v1/joined.csv over
// loopback by one client that counts lines and keeps none, as `curl … >/dev/null` does. Beside it,
// as the limit: the same pages by ListJoinedRows over gRPC on loopback, which are not read.
// Checked in every run: each row came once (by the number of lines and the sum of the values) and
// the table was complete; and that the process, server and client, never grew by more than 64 MiB
// over what it was before the request (by the kernel's own peak), however long the table is.
// Three runs of each, in turn; the value is the ratio of the medians of rows/s.
//   export [ROWS]

#include <fmt/format.h>
#include <malloc.h>
#include <prometheus/registry.h>

#include <cstdlib>
#include <fstream>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/eventlog/memory_event_log.h"
#include "common/net/grpc_server.h"
#include "common/net/http_server.h"
#include "common/status/status.h"
#include "correlator-service/http/correlator_http.h"
#include "correlator-service/pipeline/round_log.h"
#include "correlator-service/pipeline/sample_reader.h"
#include "correlator-service/query/correlator_service.h"
#include "correlator-service/rows/memory_row_store.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/support/engine_tables.h"
#include "tests/support/joined_rows.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 3;
constexpr int kAlerts = 1000;
constexpr int kCommitRows = 10'000;
constexpr size_t kGrowthMax = 64 << 20;
constexpr double kMebibyte = 1 << 20;
// Columns in front of `value`.
constexpr int kValueColumn = 7;

// Of this process: its resident memory now, or the most since ResetPeakBytes, which first gives
// back what the allocator keeps.
size_t StatusBytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::stoul(line.substr(key.size())) * 1024;
  }
  CHECK(false);
  return 0;
}
size_t ResidentBytes() { return StatusBytes("VmRSS:"); }
size_t PeakBytes() { return StatusBytes("VmHWM:"); }
void ResetPeakBytes() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

// The reading side of the service.
class Reading {
 public:
  explicit Reading(int rows) : store_(registry_, {}) {
    Fill(rows);
    GrpcServerOptions options;
    options.services = {&service_};
    grpc_ = StartGrpcServer(options).value();
    HttpServerOptions http;
    http.streams_max = CorrelatorHttp::kStreamsMax;
    http_ = std::make_unique<HttpServer>(std::move(http));
    api_.AddTo(*http_);
    CHECK(http_->Start().ok());
    api_.Open(MakeInProcessChannel(*grpc_.server));
  }
  ~Reading() {
    api_.Close();
    hub_.Stop();
    grpc_.server->Shutdown();
    http_->Stop();
  }
  int grpc_port() const { return grpc_.port; }
  int http_port() const { return http_->port(); }

 private:
  void Fill(int rows) {
    std::vector<JoinedRow> alerts;
    for (int i = 0; i < kAlerts; ++i) {
      RowSpec spec;
      spec.alert = fmt::format("alert{}", i);
      std::vector<LabelSet::Label> labels;
      for (int k = 0; k < 9; ++k) {
        labels.emplace_back(fmt::format("label{}", k), fmt::format("value-{}-{}", i, k));
      }
      spec.labels = LabelSet(std::move(labels));
      spec.event_time = kRowsNow + Millis(i);
      alerts.push_back(MakeRow(spec));
    }
    std::vector<JoinedRow> changes;
    for (int id = 1; id <= rows; ++id) {
      JoinedRow& row = changes.emplace_back(alerts[static_cast<size_t>(id % kAlerts)]);
      row.id = IdOf(id);
      row.match.value = id;
      if (changes.size() == kCommitRows || id == rows) {
        CHECK(store_.Commit({.changes = std::move(changes)}).ok());
        changes.clear();
      }
    }
  }

  prometheus::Registry registry_;
  MemoryRowStore store_;
  SubscriptionHub hub_{store_, SystemClock(), registry_};
  Engine engine_{EngineLimits{}};
  EngineTables tables_{engine_};
  MemoryEventLog log_{1 << 20};
  RoundLog rounds_{log_, {}};
  SampleReaders samples_{rounds_};
  CorrelatorServiceImpl service_{store_, tables_, samples_, hub_, SystemClock()};
  RunningGrpcServer grpc_;
  CorrelatorHttp api_{SystemClock()};
  std::unique_ptr<HttpServer> http_;
};

// Adds up the lines of a CSV table as it comes.
class CsvSum {
 public:
  void Take(const std::string& chunk) {
    text_ += chunk;
    size_t at = 0;
    for (size_t end; (end = text_.find("\r\n", at)) != text_.npos; at = end + 2) {
      if (rows_++ > 0) sum_ += ValueOf(text_.substr(at, end - at));
    }
    text_.erase(0, at);
  }
  // Without the head.
  int rows() const { return rows_ - 1; }
  double sum() const { return sum_; }

 private:
  static double ValueOf(const std::string& line) {
    size_t at = 0;
    for (int i = 0; i < kValueColumn; ++i) at = line.find(',', at) + 1;
    return std::strtod(line.c_str() + at, nullptr);
  }
  std::string text_;
  int rows_ = 0;
  double sum_ = 0;
};

struct Exported {
  double rows_per_second = 0;
  size_t bytes = 0;
  size_t before = 0;    // What the process took.
  size_t grown_by = 0;  // At its peak, from the request on.
};

Exported ExportRun(int port, int rows) {
  Exported run;
  ResetPeakBytes();
  run.before = ResidentBytes();
  const auto begin = BenchClock::now();
  RawHttpClient client(port);
  const auto head = client.Ask(GetRequest("/api/v1/joined.csv"));
  CHECK(head.has_value() && head->status == 200);
  CsvSum table;
  for (;;) {
    const auto chunk = client.ReceiveChunk();
    CHECK(chunk.has_value());  // Not cut off.
    if (chunk->empty()) break;
    run.bytes += chunk->size();
    table.Take(*chunk);
  }
  run.rows_per_second = rows / SecondsSince(begin);
  run.grown_by = PeakBytes() - std::min(run.before, PeakBytes());
  CHECK(table.rows() == rows);
  CHECK(table.sum() == static_cast<double>(rows) * (rows + 1.0) / 2);
  CHECK(run.grown_by < kGrowthMax);
  return run;
}

double ListRun(int port, int rows) {
  const auto stub = v1::CorrelatorService::NewStub(MakeChannel(fmt::format("127.0.0.1:{}", port)));
  const auto begin = BenchClock::now();
  v1::ListJoinedRowsRequest request;
  request.set_page_size(1000);
  int listed = 0;
  do {
    grpc::ClientContext context;
    v1::ListJoinedRowsResponse page;
    CHECK(stub->ListJoinedRows(&context, request, &page).ok());
    listed += page.rows_size();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  CHECK(listed == rows);
  return rows / SecondsSince(begin);
}

int Main(int argc, char** argv) {
  const int rows = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  Reading reading(rows);
  std::vector<double> exports;
  std::vector<double> lists;
  for (int run = 0; run < kRuns; ++run) {
    const Exported exported = ExportRun(reading.http_port(), rows);
    exports.push_back(exported.rows_per_second);
    lists.push_back(ListRun(reading.grpc_port(), rows));
    fmt::print(
        "run {}: {:.0f} rows/s as CSV over HTTP ({} MB), {:.0f} rows/s over gRPC; peak memory "
        "{:.1f} "
        "MiB above the {} MiB before\n",
        run, exports.back(), exported.bytes / 1'000'000, lists.back(),
        static_cast<double>(exported.grown_by) / kMebibyte, exported.before >> 20);
  }
  fmt::print("{:.0f} rows/s of {} rows as CSV, {:.0f} rows/s by gRPC\n", Median(exports), rows,
             Median(lists));
  fmt::print("export: {:.3f} x\n", Median(exports) / Median(lists));
  return 0;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) { return alertjoin::Main(argc, argv); }
