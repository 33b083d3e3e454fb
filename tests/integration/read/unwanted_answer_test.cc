// Answers that take long: when the caller's time is over, or the caller has gone, in the midst of
// one, the work for it ends, what worked is free again, and the call is counted.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/read/named_call.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/alerts.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using WallClock = std::chrono::system_clock;

// Of rows, of alerts and of series: some twenty readings for an answer from each.
constexpr int kItems = 20'000;

// Where the service's readings wait for the test. Thread-safe.
class Gate {
 public:
  // The first one that comes waits until it is opened. Later ones, of which there would be many,
  // wait a little each: they would go on for long after the caller has gone.
  explicit Gate(Millis later_ones_wait) : later_ones_wait_(later_ones_wait) {}

  void Pass() {
    std::unique_lock lock(mutex_);
    if (++passed_ == 1) first_ = WallClock::now();
    const auto is_open = [this] { return open_; };
    if (passed_ == 1) {
      opened_.wait(lock, is_open);
    } else {
      opened_.wait_for(lock, later_ones_wait_, [] { return false; });
    }
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  // When the first one came; nothing before.
  std::optional<WallClock::time_point> first() const {
    const std::lock_guard lock(mutex_);
    return first_;
  }
  int passed() const {
    const std::lock_guard lock(mutex_);
    return passed_;
  }

 private:
  const Millis later_ones_wait_;
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  int passed_ = 0;
  bool open_ = false;
  std::optional<WallClock::time_point> first_;
};

class UnwantedAnswerTest : public ReadTest {
 protected:
  void SetUp() override {
    Start({});
    channel_ = MakeChannel(fmt::format("127.0.0.1:{}", server_.port));
    generic_ = std::make_unique<grpc::GenericStub>(channel_);
    Fill();
  }
  void Fill() {
    RowCommit commit;
    SampleBatch batch;
    SeriesTable series;
    const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
    for (int id = 1; id <= kItems; ++id) {
      RowSpec row;
      row.id = id;
      row.event_time = kRowsNow - Millis(id);
      commit.changes.push_back(MakeRow(row));
      AlertSpec alert;
      alert.id = id;
      alert.starts_at = row.event_time;
      commit.alerts.push_back(MakeAlert(alert));
      batch.series_index.push_back(static_cast<uint32_t>(series.size()));
      batch.times.push_back(kRowsNow);
      batch.values.push_back(id);
      series.push_back(
          std::make_shared<const SeriesKey>(SeriesKey{query, LabelSet{{"i", std::to_string(id)}}}));
    }
    batch.series = std::move(series);
    store_->Commit(std::move(commit)).value();
    tables_.Change([&](Engine& engine) { engine.Apply({std::move(batch)}, kRowsNow); });
  }
  // What is read from now on waits at a new gate.
  Gate& Shut(Millis later_ones_wait) {
    gates_.push_back(std::make_unique<Gate>(later_ones_wait));
    Gate* const gate = gates_.back().get();
    tables_.before_turn = read_store_->before_read = [gate] { gate->Pass(); };
    return *gate;
  }
  // Waits until an answer is being made; false when the call has ended before.
  static bool HasBegun(const NamedCall& call, const Gate& gate) {
    while (!gate.first()) {
      if (call.HasEnded()) return false;
      std::this_thread::yield();
    }
    return true;
  }
  double Metric(const std::string& line) {
    const std::string text = "\n" + Metrics();
    const size_t found = text.find("\n" + line + " ");
    return found == std::string::npos ? 0 : std::stod(text.substr(found + line.size() + 2));
  }
  double Ended(const std::string& method, const std::string& code) {
    return Metric(
        fmt::format("alertjoin_grpc_requests_total{{code=\"{}\",method=\"{}\"}}", code, method));
  }
  void AwaitTheEndOf(const std::string& method) {
    Await(fmt::format("alertjoin_grpc_requests_in_progress{{method=\"{}\"}}", method), 0);
  }
  void Await(const std::string& line, double value) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (Metric(line) != value) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << line << " is " << Metric(line);
      std::this_thread::sleep_for(Millis(1));
    }
  }
  // Returns when the service has taken in what was sent over the channel up to now: what goes over
  // one connection arrives in order.
  class Echo {
   public:
    explicit Echo(UnwantedAnswerTest& test)
        : test_(test), stub_(v1::CorrelatorService::NewStub(test.channel_)) {
      v1::SubscribeSamplesRequest request;
      request.set_start(v1::SUBSCRIPTION_START_LIVE);
      client_ = std::make_unique<SamplesClient>(*stub_, request);
      EXPECT_TRUE(client_->Read().has_value());
    }
    // Once. `others`: subscribers that there are.
    void Await(int others) {
      client_.reset();
      test_.Await("alertjoin_subscribers", others);
    }

   private:
    UnwantedAnswerTest& test_;
    std::unique_ptr<v1::CorrelatorService::Stub> stub_;
    std::unique_ptr<SamplesClient> client_;
  };

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> generic_;
  std::vector<std::unique_ptr<Gate>> gates_;
};

// A request of the method that looks through all there is and finds nothing, in many readings;
// empty where one reading is the answer.
std::string LongRequest(const std::string& method) {
  if (method == "ListQueries" || method == "ListSources") return "";
  if (method == "ListJoinedRows" || method == "ListAlerts" || method == "SummarizeAlerts") {
    return "filter: 'alertname=none'";
  }
  if (method == "GetAlertContext") {
    return fmt::format("row_id: '{}' also {{ filter: 'i=none' }}", ToHex(IdOf(1)));
  }
  return "series { filter: 'i=none' }";
}

TEST_F(UnwantedAnswerTest, EndsWhenItsDeadlinePassesAndItsThreadIsFree) {
  for (const std::string& method : NamedCall::Unary()) {
    if (LongRequest(method).empty()) continue;
    // The deadline must not pass before the answer is begun, however slow the machine is.
    for (Millis time(100);; time *= 2) {
      Gate& gate = Shut(Millis(1000));
      NamedCall call(*generic_, method, LongRequest(method), time);
      const bool begun = HasBegun(call, gate);
      EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kDeadlineExceeded)) << method;
      if (!begun) {
        gate.Open();
        continue;
      }
      // The service had the call before it began, so its deadline is no later than that; gRPC
      // rounds up.
      std::this_thread::sleep_until(*gate.first() + time + time / 4);
      const double ended = Ended(method, "DEADLINE_EXCEEDED");
      gate.Open();
      AwaitTheEndOf(method);
      EXPECT_EQ(gate.passed(), 1) << method << " went on";
      EXPECT_EQ(Ended(method, "DEADLINE_EXCEEDED"), ended + 1) << method;
      break;
    }
  }
  // All threads have had more than one such call.
  tables_.before_turn = nullptr;
  EXPECT_THAT(NamedCall(*generic_, "ListQueries", "").status(), IsOk());
}

TEST_F(UnwantedAnswerTest, EndsWhenItIsCancelledAndItsThreadIsFree) {
  for (const std::string& method : NamedCall::Unary()) {
    if (LongRequest(method).empty()) continue;
    Echo echo(*this);
    Gate& gate = Shut(Millis(1000));
    NamedCall call(*generic_, method, LongRequest(method));
    ASSERT_TRUE(HasBegun(call, gate)) << method << call.status();
    call.Cancel();
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kCancelled)) << method;
    echo.Await(0);
    gate.Open();
    AwaitTheEndOf(method);
    // One, if the service had not heard of it yet; an answer to its end has more.
    EXPECT_LE(gate.passed(), 2) << method << " went on";
    EXPECT_EQ(Ended(method, "CANCELLED"), 1) << method;
  }
  tables_.before_turn = nullptr;
  EXPECT_THAT(NamedCall(*generic_, "ListQueries", "").status(), IsOk());
}

// Readings of a snapshot that finds nothing: 256 items each.
constexpr int kSnapshotReadings = kItems / 256;
// Between them is time to end after each 16.
constexpr int kReadingsPerStep = 16;

TEST_F(UnwantedAnswerTest, ASnapshotEndsWhenItsDeadlinePassesOrItIsCancelled) {
  for (const std::string method : {"SubscribeJoinedRows", "SubscribeAlerts"}) {
    const std::string request = "filter: 'alertname=none' snapshot_window { seconds: 315360000 }";
    double ended = 0;
    for (const bool is_cancelled : {false, true}) {
      for (Millis time(100);; time *= 2) {
        Echo echo(*this);
        Gate& gate = Shut(Millis(20));
        NamedCall call(*generic_, method, request,
                       is_cancelled ? std::nullopt : std::optional(time));
        const bool begun = HasBegun(call, gate);
        if (is_cancelled) call.Cancel();
        EXPECT_THAT(call.status(), StatusIs(is_cancelled ? absl::StatusCode::kCancelled
                                                         : absl::StatusCode::kDeadlineExceeded));
        echo.Await(begun ? 1 : 0);
        gate.Open();
        Await("alertjoin_subscribers", 0);
        AwaitTheEndOf(method);
        const double before = std::exchange(ended, Ended(method, "CANCELLED"));
        if (!begun) continue;
        EXPECT_LE(gate.passed(), kSnapshotReadings - kReadingsPerStep) << method << " went on";
        EXPECT_EQ(ended, before + 1) << method;
        break;
      }
    }
  }
}

// Whoever takes no more after the first message holds up a snapshot in the middle, too.
TEST_F(UnwantedAnswerTest, ASnapshotThatNobodyTakesEndsAtItsDeadline) {
  for (int round = 0; round < 500; ++round) {
    Round appended;
    appended.time = SystemClock().Now();
    SampleBatch batch;
    batch.series = SeriesTable{std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample}),
                  LabelSet{{"i", std::to_string(round) + std::string(2000, 'x')}}})};
    batch.series_index = {0};
    batch.times = {appended.time};
    batch.values = {1};
    appended.events.emplace_back(std::move(batch));
    ASSERT_THAT(rounds_.Append(appended), IsOk());
  }
  for (const std::string& method : NamedCall::Streaming()) {
    NamedCall call(*generic_, method, "snapshot_window { seconds: 315360000 }", Millis(300));
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kDeadlineExceeded)) << method;
    Await("alertjoin_subscribers", 0);
    AwaitTheEndOf(method);
  }
}

}  // namespace
}  // namespace alertjoin
