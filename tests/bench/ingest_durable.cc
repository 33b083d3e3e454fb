// How fast samples are taken for good: through gRPC, into the synced event log, and joined.
//
// Workload: one producer, 50,000 series, 100 scrapes of each in batches of 1,000 samples, one batch
// a message (5 M samples), then 1,000 alerts; correlator-service whole, with a new data folder on
// the disk, in this process. A run ends when everything is acknowledged, which is after the sync,
// and a subscriber has the rows of all alerts, which is after every sample was applied. Beside it:
// the same messages to a service that only counts the samples and acknowledges.
// Checked in every run: every sample was new to the join, every alert has one row, with the right
// value and sample time; and the counting service has counted all.
// Three runs of each, in turn; the value is the ratio of the medians of samples/s.
//   ingest_durable [FOLDER [BATCHES]]  Where to write: the working folder by default. How many
//                                      batches travel in one message: 1 by default.

#include <fmt/format.h>
#include <grpcpp/client_context.h>

#include <cstdlib>
#include <future>
#include <set>
#include <thread>

#include "alertjoin/v1/correlator_service.grpc.pb.h"
#include "common/log/log.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "correlator-service/app/correlator_app.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/bench/support/sample_stream.h"
#include "tests/support/raw_http_client.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 3;

std::string AddressOf(int port) { return fmt::format("127.0.0.1:{}", port); }

// Waits for the row of each alert of a stream.
class RowWaiter {
 public:
  RowWaiter(const std::string& address, const SampleStream& stream)
      : stream_(stream), stub_(v1::CorrelatorService::NewStub(MakeChannel(address))) {
    v1::SubscribeJoinedRowsRequest request;
    request.set_start(v1::SUBSCRIPTION_START_LIVE);
    reader_ = stub_->SubscribeJoinedRows(&context_, request);
    v1::SubscribeJoinedRowsResponse response;
    CHECK(reader_->Read(&response) && response.has_started());
    thread_ = std::thread([this] { Read(); });
  }
  // Returns when all rows are there.
  void Wait() { thread_.join(); }
  ~RowWaiter() {
    context_.TryCancel();
    v1::SubscribeJoinedRowsResponse response;
    while (reader_->Read(&response)) {
    }
    (void)reader_->Finish();
  }

 private:
  void Read() {
    std::set<std::string> instances;
    v1::SubscribeJoinedRowsResponse response;
    while (instances.size() < stream_.options.alerts) {
      CHECK(reader_->Read(&response));
      for (const v1::JoinedRow& row : response.rows().rows()) {
        CheckRow(stream_, row);
        CHECK(instances.insert(row.transition().instance()).second);
      }
    }
  }

  const SampleStream& stream_;
  const std::unique_ptr<v1::CorrelatorService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SubscribeJoinedRowsResponse>> reader_;
  std::thread thread_;
};

// All were new to their series, and none was refused.
void CheckAllSamplesNew(int http_port, size_t samples) {
  const auto metrics = RawHttpClient(http_port).Ask(GetRequest("/metrics"));
  CHECK(metrics.has_value() && metrics->status == 200);
  const std::string name = "alertjoin_join_samples_total{outcome=\"new\"} ";
  const size_t found = metrics->body.find(name);
  CHECK(found != std::string::npos);
  CHECK(std::stod(metrics->body.substr(found + name.size())) == static_cast<double>(samples));
}

struct Times {
  double acknowledged = 0;
  double joined = 0;
};

Times RunCorrelator(const SampleStream& stream, const std::filesystem::path& parent) {
  const BenchFolder folder(parent);
  CorrelatorConfig config;
  config.grpc_listen_address = "127.0.0.1:0";
  config.http_listen_address = "127.0.0.1:0";
  config.data_path = folder.path().string();
  const auto app = CorrelatorApp::Start(config);
  CHECK(app.ok());
  const std::string address = AddressOf((*app)->grpc_port());
  Times times;
  {
    RowWaiter rows(address, stream);
    const auto begin = BenchClock::now();
    PushAll(address, stream);
    times.acknowledged = SecondsSince(begin);
    rows.Wait();
    times.joined = SecondsSince(begin);
  }
  CheckAllSamplesNew((*app)->http_port(), stream.samples);
  (*app)->Stop();
  return times;
}

double RunBare(const SampleStream& stream) {
  CountingIngestService service;
  GrpcServerOptions options;
  options.services = {&service};
  const auto server = StartGrpcServer(options);
  CHECK(server.ok());
  const auto begin = BenchClock::now();
  PushAll(AddressOf(server->port), stream);
  const double seconds = SecondsSince(begin);
  CHECK(service.samples() == stream.samples);
  server->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  return seconds;
}

int Run(const std::filesystem::path& parent, size_t batches_per_message) {
  SetLogLevel(LogLevel::kWarn);
  SampleStreamOptions options;
  options.newest = SystemClock().Now();
  options.batches_per_message = batches_per_message;
  const SampleStream stream = MakeSampleStream(options);
  const auto rate = [&](double seconds) { return static_cast<double>(stream.samples) / seconds; };
  std::vector<double> joined, bare;
  for (int i = 0; i < kRuns; ++i) {
    const Times times = RunCorrelator(stream, parent);
    joined.push_back(rate(times.joined));
    bare.push_back(rate(RunBare(stream)));
    fmt::print(
        "acknowledged: {:.2f} M samples/s, joined: {:.2f} M samples/s; bare gRPC stream: "
        "{:.2f} M samples/s\n",
        rate(times.acknowledged) / 1e6, joined.back() / 1e6, bare.back() / 1e6);
  }
  fmt::print(
      "{} samples in {} messages; median: {:.2f} M samples/s; bare gRPC stream: {:.2f} M "
      "samples/s\n",
      stream.samples, stream.messages.size(), Median(joined) / 1e6, Median(bare) / 1e6);
  fmt::print("ingest_durable: {:.3f} x\n", Median(joined) / Median(bare));
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) {
  return alertjoin::Run(argc > 1 ? argv[1] : ".", argc > 2 ? std::stoul(argv[2]) : 1);
}
