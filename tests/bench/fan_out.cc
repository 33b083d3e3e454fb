// How many rows reach subscribers.
//
// Workload: the reading side of correlator-service over gRPC (row store in memory, subscription
// hub, service) in this process; live subscribers, each on a connection of its own (of 1,000, ten
// share one), with five filters in turn; 20,000 new rows (of 1,000 subscribers: 2,000) in commits
// of 100. Twice: at 10,000 rows/s, which tells whether they keep up, and as fast as the store takes
// them. A run ends when every subscriber has its last row.
// Beside the second: a bare gRPC stream of the same bytes, that is, a generic service that sends
// the messages that were recorded in the check, by filter, without making them.
// Checked before anything is timed: a subscriber of each filter gets every matching row once, with
// its labels and value, and no other. In every run: each subscriber gets as many rows as match.
// Three runs of each, in turn; the value is the ratio of the medians of deliveries/s to 100
// subscribers, as fast as they go.
//   fan_out [SUBSCRIBERS...]   1 10 100 by default.

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <prometheus/registry.h>

#include <cstdlib>
#include <functional>
#include <set>
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
#include "tests/bench/support/stream_load.h"
#include "tests/support/engine_tables.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 3;
constexpr size_t kCommitRows = 100;
constexpr std::chrono::milliseconds kCommitInterval(10);
constexpr size_t kManySubscribers = 1'000;

// Of the row with this number.
const char* SeverityOf(size_t row) {
  constexpr const char* kSeverities[] = {"critical", "warning", "info"};
  return kSeverities[row % 3];
}
const char* TeamOf(size_t row) { return row % 2 == 0 ? "storage" : "web"; }
std::string InstanceOf(size_t row) { return fmt::format("host-{}.example:9100", row); }

struct Filter {
  std::string text;
  std::function<bool(size_t row)> matches;
};
const std::vector<Filter>& Filters() {
  static const std::vector<Filter> filters{
      {"", [](size_t) { return true; }},
      {"severity=critical", [](size_t row) { return row % 3 == 0; }},
      {R"(team=~"storage|database")", [](size_t row) { return row % 2 == 0; }},
      {R"(job=node,severity!=info)", [](size_t row) { return row % 3 != 2; }},
      {R"(instance=~"host-.*[02468]\\.example:.*")", [](size_t row) { return row % 2 == 0; }},
  };
  return filters;
}
size_t MatchingRows(const Filter& filter, size_t rows) {
  size_t count = 0;
  for (size_t row = 0; row < rows; ++row) count += filter.matches(row) ? 1 : 0;
  return count;
}

std::shared_ptr<const Transition> MakeTransition(size_t row, Timestamp time) {
  auto transition = std::make_shared<Transition>();
  transition->source = "am";
  transition->starts_at = time;
  transition->received_time = time;
  transition->labels = LabelSet{{"alertname", "QueueLong"},
                                {"instance", InstanceOf(row)},
                                {"job", "node"},
                                {"severity", SeverityOf(row)},
                                {"team", TeamOf(row)}};
  transition->fingerprint = transition->labels.FingerprintHex();
  transition->annotations = LabelSet{{"summary", "The queue has been too long for five minutes."}};
  transition->generator_url = "http://prometheus.example:9090/graph?g0.expr=queue_depth+%3E+90";
  transition->notification.receiver = "join";
  transition->notification.group_key = "{}:{alertname=\"QueueLong\"}";
  return transition;
}

// Rows are made before they are timed.
std::vector<std::vector<JoinedRow>> MakeCommits(size_t rows) {
  const Timestamp time = SystemClock().Now();
  auto binding = std::make_shared<Binding>();
  binding->query = {"prom", "queue_depth", "queue_depth", TimeKind::kSample};
  binding->threshold = 90;
  const auto query = std::make_shared<const Query>(binding->query);
  std::vector<std::vector<JoinedRow>> commits;
  for (size_t i = 0; i < rows; ++i) {
    JoinedRow row;
    for (size_t byte = 0; byte < 8; ++byte)
      row.id.bytes[byte] = static_cast<uint8_t>(i >> 8 * byte);
    row.revision = 1;
    row.transition = MakeTransition(i, time);
    row.binding = binding;
    row.match.state = MatchState::kMatched;
    row.match.series = std::make_shared<const SeriesKey>(SeriesKey{
        query,
        LabelSet{{"__name__", "queue_depth"}, {"instance", InstanceOf(i)}, {"job", "node"}}});
    row.match.value = static_cast<double>(i);
    row.match.sample_time = time;
    row.applied_time = time;
    if (i % kCommitRows == 0) commits.emplace_back();
    commits.back().push_back(std::move(row));
  }
  return commits;
}

// The reading side of the correlator.
class ReadingSide {
 public:
  ReadingSide() {
    GrpcServerOptions options;
    options.services = {&service_};
    options.registry = &registry_;
    auto running = StartGrpcServer(options);
    CHECK(running.ok());
    server_ = *std::move(running);
  }
  ~ReadingSide() {
    hub_.Stop();
    server_.server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  }

  int port() const { return server_.port; }
  void Commit(std::vector<std::vector<JoinedRow>> commits, std::chrono::milliseconds interval) {
    auto at = BenchClock::now();
    for (auto& changes : commits) {
      CHECK(store_.Commit({.changes = std::move(changes)}).ok());
      at += interval;
      if (interval.count() > 0) std::this_thread::sleep_until(at);
    }
  }

 private:
  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
  SubscriptionHub hub_{store_, SystemClock(), registry_};
  Engine engine_{EngineLimits{}};
  EngineTables tables_{engine_};
  MemoryEventLog log_{1 << 20};
  RoundLog rounds_{log_, {}};
  SampleReaders samples_{rounds_};
  CorrelatorServiceImpl service_{store_, tables_, samples_, hub_, SystemClock()};
  RunningGrpcServer server_;
};

void CheckRow(const Filter& filter, const v1::JoinedRow& row, std::set<size_t>& seen) {
  const auto number = static_cast<size_t>(row.match().value());
  CHECK(filter.matches(number) && seen.insert(number).second);
  CHECK(row.operation() == v1::OPERATION_UPSERT);
  CHECK(row.transition().instance() == InstanceOf(number));
  CHECK(row.transition().labels().at("severity") == SeverityOf(number));
  CHECK(row.transition().labels().at("team") == TeamOf(number));
}

// Reads what a subscriber of each filter gets, checks it, and keeps it.
RecordedServer::Recording CheckAndRecord(size_t rows) {
  ReadingSide side;
  const auto stub =
      v1::CorrelatorService::NewStub(MakeChannel(fmt::format("127.0.0.1:{}", side.port())));
  RecordedServer::Recording recording;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::SubscribeJoinedRowsResponse>>> readers;
  const auto read = [&](size_t i, v1::SubscribeJoinedRowsResponse& message) {
    CHECK(readers[i]->Read(&message) && !message.resume_token().empty());
    const grpc::Slice slice(message.SerializeAsString());
    recording[Filters()[i].text].emplace_back(&slice, 1);
  };
  v1::SubscribeJoinedRowsResponse message;
  for (size_t i = 0; i < Filters().size(); ++i) {
    v1::SubscribeJoinedRowsRequest request;
    request.set_filter(Filters()[i].text);
    request.set_start(v1::SUBSCRIPTION_START_LIVE);
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->SubscribeJoinedRows(contexts.back().get(), request));
    read(i, message);
    CHECK(message.has_started());
  }
  side.Commit(MakeCommits(rows), std::chrono::milliseconds(0));
  for (size_t i = 0; i < Filters().size(); ++i) {
    std::set<size_t> seen;
    while (seen.size() < MatchingRows(Filters()[i], rows)) {
      read(i, message);
      for (const v1::JoinedRow& row : message.rows().rows()) CheckRow(Filters()[i], row, seen);
    }
    contexts[i]->TryCancel();
    while (readers[i]->Read(&message)) CHECK(message.rows().rows().empty());
    (void)readers[i]->Finish();
  }
  return recording;
}

std::vector<SubscriberLoad::Expected> ExpectedOf(size_t subscribers, size_t rows) {
  std::vector<SubscriberLoad::Expected> expected;
  for (size_t i = 0; i < subscribers; ++i) {
    const Filter& filter = Filters()[i % Filters().size()];
    expected.push_back({filter.text, MatchingRows(filter, rows)});
  }
  return expected;
}

struct Load {
  size_t rows = 0;
  std::vector<SubscriberLoad::Expected> expected;
  size_t calls_per_connection = 1;
  double deliveries = 0;
};

// Seconds from the first commit on.
struct Times {
  double committed = 0;
  double delivered = 0;
};

Times RunService(const Load& load, std::chrono::milliseconds interval) {
  auto commits = MakeCommits(load.rows);
  ReadingSide side;
  SubscriberLoad subscribers(side.port(), load.expected, load.calls_per_connection);
  Times times;
  const auto begin = BenchClock::now();
  side.Commit(std::move(commits), interval);
  times.committed = SecondsSince(begin);
  subscribers.WaitRows();
  times.delivered = SecondsSince(begin);
  return times;
}

double RunBare(const Load& load, const RecordedServer::Recording& recording, uint64_t& bytes) {
  RecordedServer server(recording);
  SubscriberLoad subscribers(server.port(), load.expected, load.calls_per_connection);
  const auto begin = BenchClock::now();
  server.Go();
  subscribers.WaitRows();
  const double seconds = SecondsSince(begin);
  bytes = subscribers.bytes();
  return seconds;
}

// The ratio to the bare stream.
double RunAll(size_t subscribers) {
  Load load;
  load.rows = subscribers >= kManySubscribers ? 2'000 : 20'000;
  load.calls_per_connection = subscribers >= kManySubscribers ? 10 : 1;
  load.expected = ExpectedOf(subscribers, load.rows);
  for (const auto& expected : load.expected) load.deliveries += static_cast<double>(expected.rows);
  const RecordedServer::Recording recording = CheckAndRecord(load.rows);
  std::vector<double> paced, behind, fast, bare;
  uint64_t bytes = 0;
  for (int i = 0; i < kRuns; ++i) {
    const Times times = RunService(load, kCommitInterval);
    paced.push_back(load.deliveries / times.delivered);
    behind.push_back(times.delivered - times.committed);
    const Times fastest = RunService(load, std::chrono::milliseconds(0));
    fast.push_back(load.deliveries / fastest.delivered);
    bare.push_back(load.deliveries / RunBare(load, recording, bytes));
  }
  const double ratio = Median(fast) / Median(bare);
  fmt::print("{:4} subscribers: {:.0f} deliveries of {:.0f} bytes\n", subscribers, load.deliveries,
             static_cast<double>(bytes) / load.deliveries);
  fmt::print("  at 10,000 rows/s: {:.0f} deliveries/s, the last {:.0f} ms behind the last commit\n",
             Median(paced), Median(behind) * 1e3);
  fmt::print(
      "  as fast as they go: {:.0f} deliveries/s; bare gRPC stream: {:.0f} deliveries/s; "
      "ratio {:.3f} x\n",
      Median(fast), Median(bare), ratio);
  return ratio;
}

int Run(const std::vector<size_t>& counts) {
  SetLogLevel(LogLevel::kWarn);
  double value = 0;
  for (const size_t subscribers : counts) {
    const double ratio = RunAll(subscribers);
    if (subscribers == 100 || counts.size() == 1) value = ratio;
  }
  fmt::print("fan_out: {:.3f} x\n", value);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) {
  std::vector<size_t> counts;
  for (int i = 1; i < argc; ++i) counts.push_back(std::stoul(argv[i]));
  if (counts.empty()) counts = {1, 10, 100};
  return alertjoin::Run(counts);
}
