// What all unary calls have in common, and the ones that have no test of their own over gRPC.

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/integration/read/read_fixture.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

Timestamp Time(int64_t ms) { return Timestamp::FromMillis(ms); }

class UnaryCallsTest : public ReadTest {
 protected:
  void SetUp() override { Start({}); }
  absl::Status ListQueries(grpc::ClientContext& context) {
    v1::ListQueriesResponse response;
    return FromGrpcStatus(stub().ListQueries(&context, {}, &response));
  }
};

TEST_F(UnaryCallsTest, SourcesAreListedWithTheirHealth) {
  SourceStatus status;
  status.source = "prom";
  status.producer_id = "p";
  status.health = SourceHealth::kUnreachable;
  status.last_error = "connection refused";
  status.time = Time(1'000);
  store_->Commit({.sources = {status}}).value();
  grpc::ClientContext context;
  v1::ListSourcesResponse response;
  ASSERT_TRUE(stub().ListSources(&context, {}, &response).ok());
  ASSERT_EQ(response.sources_size(), 1);
  EXPECT_EQ(response.sources(0).source(), "prom");
  EXPECT_EQ(response.sources(0).health(), v1::SOURCE_HEALTH_UNREACHABLE);
  EXPECT_EQ(response.sources(0).last_error(), "connection refused");
  EXPECT_THAT(Metrics(), HasSubstr("{code=\"OK\",method=\"ListSources\"} 1\n"));
}

TEST_F(UnaryCallsTest, ARefusedQueryIsListedWithItsError) {
  const QueryError refused{{"prom", "q", "q", TimeKind::kSample}, Time(10), "no such function"};
  tables_.Change([&](Engine& engine) { engine.Apply({refused}, Time(10)); });
  grpc::ClientContext context;
  v1::ListQueriesResponse response;
  ASSERT_TRUE(stub().ListQueries(&context, {}, &response).ok());
  ASSERT_EQ(response.queries_size(), 1);
  EXPECT_EQ(response.queries(0).error(), "no such function");
}

// Every thread that answers calls waits for the tables while one of these runs.
class BusyCallsTest : public UnaryCallsTest {
 protected:
  BusyCallsTest() : opened_(open_.get_future()) {}

  void SetUp() override {
    UnaryCallsTest::SetUp();
    std::promise<void> held;
    holder_ = std::async(std::launch::async, [this, &held] {
      tables_.Change([&](Engine&) {
        held.set_value();
        opened_.wait();
      });
    });
    held.get_future().wait();
    for (size_t i = 0; i < UnaryCalls::kThreads; ++i) {
      busy_.push_back(std::async(std::launch::async, [this] {
        grpc::ClientContext context;
        return ListQueries(context);
      }));
    }
    while (tables_.asked < int{UnaryCalls::kThreads}) std::this_thread::yield();
  }
  // Lets the calls go on to their end.
  void Open() {
    open_.set_value();
    for (auto& call : busy_) EXPECT_THAT(call.get(), IsOk());
    holder_.wait();
    hub_->Stop();
    ShutDown(std::chrono::seconds(10));
  }
  // Calls that were begun, one turn each: those of SetUp alone.
  void ExpectNoneButTheBusyOnesBegan() { EXPECT_EQ(tables_.turns, int{UnaryCalls::kThreads}); }

 private:
  std::promise<void> open_;
  std::future<void> opened_;
  std::future<void> holder_;
  std::vector<std::future<absl::Status>> busy_;
};

TEST_F(BusyCallsTest, ACallWhoseDeadlinePassesBeforeItsTurnIsNotBegun) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  EXPECT_THAT(ListQueries(context), StatusIs(absl::StatusCode::kDeadlineExceeded));
  Open();
  ExpectNoneButTheBusyOnesBegan();
}

TEST_F(BusyCallsTest, ACallThatIsCancelledBeforeItsTurnIsNotBegun) {
  grpc::ClientContext context;
  auto call = std::async(std::launch::async, [&] { return ListQueries(context); });
  context.TryCancel();
  EXPECT_THAT(call.get(), StatusIs(absl::StatusCode::kCancelled));
  Open();
  ExpectNoneButTheBusyOnesBegan();
}

}  // namespace
}  // namespace alertjoin
