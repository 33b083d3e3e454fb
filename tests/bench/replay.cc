// How fast a start gets back what correlator-service kept.
//
// Workload: a data folder that correlator-service itself has made: 50,000 series, 120 scrapes of
// each (6 M samples), and 1,000 alerts with a row each, pushed through gRPC in messages of four
// batches of 1,000 samples. Timed is CorrelatorData::Recover of a new process' state: every record
// is read, decoded and applied, and the rows are read. Opening the databases is timed apart. Beside
// it: the same records read from the log alone. The files are in the page cache.
// Checked in every run: the engine has all samples and all rows, and the log all records.
// Five runs of each, in turn; the value is the median of samples/s of Recover.
//   replay [FOLDER]   Where to write: the working folder by default.

#include <fmt/format.h>
#include <prometheus/registry.h>

#include <cstdlib>

#include "common/log/log.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "correlator-service/app/correlator_app.h"
#include "correlator-service/app/correlator_data.h"
#include "tests/bench/support/bench_tools.h"
#include "tests/bench/support/sample_stream.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 5;
constexpr size_t kReadRecords = 1'000;
constexpr size_t kReadBytes = 8 << 20;
constexpr uint64_t kLogBytesMax = uint64_t{16} << 30;

SampleStream MakeData(const std::filesystem::path& folder) {
  CorrelatorConfig config;
  config.grpc_listen_address = "127.0.0.1:0";
  config.http_listen_address = "127.0.0.1:0";
  config.data_path = folder.string();
  const auto app = CorrelatorApp::Start(config);
  CHECK(app.ok());
  SampleStreamOptions options;
  options.newest = SystemClock().Now();
  options.samples_per_series = 120;
  options.batches_per_message = 4;
  SampleStream stream = MakeSampleStream(options);
  PushAll(fmt::format("127.0.0.1:{}", (*app)->grpc_port()), stream);
  (*app)->Stop();
  stream.messages.clear();
  return stream;
}

struct Times {
  double open = 0;
  double work = 0;
};

Times RunRecovery(const std::filesystem::path& folder, const SampleStream& stream) {
  prometheus::Registry registry;
  CorrelatorData::Options options;
  options.folder = folder.string();
  options.log_bytes_max = kLogBytesMax;
  options.change_log_bytes_max = uint64_t{4} << 30;
  const CorrelatorConfig defaults;
  options.limits.series_max = defaults.series_max;
  options.limits.rows_max = defaults.rows_max;
  options.limits.sample_bytes_max = defaults.sample_bytes_max;
  options.limits.series_bytes_max = defaults.series_bytes_max;
  options.limits.row_bytes_max = defaults.row_bytes_max;
  Times times;
  auto begin = BenchClock::now();
  const auto data = CorrelatorData::Open(std::move(options), registry);
  CHECK(data.ok());
  times.open = SecondsSince(begin);
  begin = BenchClock::now();
  const absl::Status recovered = (*data)->Recover({});
  times.work = SecondsSince(begin);
  CHECK(recovered.ok());
  const EngineStats stats = (*data)->engine().stats();
  CHECK(stats.samples_new == stream.samples && stats.samples_late == 0);
  CHECK(stats.series == stream.options.series);
  CHECK(stats.rows == stream.options.alerts);
  for (const JoinedRow& row : (*data)->engine().Rows()) {
    CHECK(row.match.state == MatchState::kMatched);
    CHECK((*data)->store().Find(row.id) != nullptr);
  }
  return times;
}

// Reads all records; `bytes` is their sum.
Times RunReading(const std::filesystem::path& folder, uint64_t& bytes) {
  RocksdbEventLog::Options options;
  options.folder = folder / "log";
  options.bytes_max = kLogBytesMax;
  Times times;
  auto begin = BenchClock::now();
  const auto log = RocksdbEventLog::Open(std::move(options));
  CHECK(log.ok());
  times.open = SecondsSince(begin);
  begin = BenchClock::now();
  bytes = 0;
  const EventLog::Bounds bounds = (*log)->bounds();
  for (LogPosition at = bounds.first; at < bounds.next;) {
    const auto chunk = (*log)->Read(at, kReadRecords, kReadBytes);
    CHECK(chunk.ok() && !chunk->records.empty());
    for (const std::string& record : chunk->records) bytes += record.size();
    at = at.Next(chunk->records.size());
  }
  times.work = SecondsSince(begin);
  CHECK(bytes + (bounds.next.value() - bounds.first.value()) * EventLog::kRecordOverheadBytes ==
        bounds.bytes);
  return times;
}

int Run(const std::filesystem::path& parent) {
  SetLogLevel(LogLevel::kWarn);
  const BenchFolder folder(parent);
  const SampleStream stream = MakeData(folder.path());
  const auto rate = [&](double seconds) { return static_cast<double>(stream.samples) / seconds; };
  std::vector<double> recovered, read;
  uint64_t bytes = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Times recovery = RunRecovery(folder.path(), stream);
    const Times reading = RunReading(folder.path(), bytes);
    recovered.push_back(rate(recovery.work));
    read.push_back(rate(reading.work));
    fmt::print(
        "Recover: {:.3f} s, {:.2f} M samples/s (opening: {:.3f} s); reading alone: {:.3f} s "
        "(opening: {:.3f} s)\n",
        recovery.work, recovered.back() / 1e6, recovery.open, reading.work, reading.open);
  }
  fmt::print("{} samples, {:.1f} bytes each in the log\n", stream.samples,
             static_cast<double>(bytes) / static_cast<double>(stream.samples));
  fmt::print("reading the records alone: {:.2f} M samples/s; ratio: {:.3f} x\n", Median(read) / 1e6,
             Median(recovered) / Median(read));
  fmt::print("replay: {:.2f} M samples/s\n", Median(recovered) / 1e6);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) { return alertjoin::Run(argc > 1 ? argv[1] : "."); }
