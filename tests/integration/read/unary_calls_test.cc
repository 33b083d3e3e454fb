// What all unary calls have in common: their turns.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <future>
#include <stdexcept>
#include <thread>

#include "common/status/status.h"
#include "tests/integration/read/named_call.h"
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

// A fault of ours is the answer to the one who met it; the others are served on.
TEST_F(UnaryCallsTest, AnAnswerThatThrowsIsAnInternalErrorAndDoesNotEndTheProcess) {
  tables_.before_turn = [] { throw std::length_error("vector::_M_default_append"); };
  {
    grpc::ClientContext context;
    EXPECT_THAT(ListQueries(context),
                StatusIs(absl::StatusCode::kInternal, "error of the correlator"));
  }
  EXPECT_THAT(Metrics(), HasSubstr("{code=\"INTERNAL\",method=\"ListQueries\"} 1\n"));
  tables_.before_turn = nullptr;
  for (size_t i = 0; i <= UnaryCalls::kThreads; ++i) {
    grpc::ClientContext context;
    EXPECT_THAT(ListQueries(context), IsOk());
  }
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
    generic_ = Connect();
  }
  grpc::GenericStub& generic() { return *generic_; }
  std::unique_ptr<grpc::GenericStub> Connect() {
    return std::make_unique<grpc::GenericStub>(
        MakeChannel(fmt::format("127.0.0.1:{}", server_.port)));
  }
  // Lets the calls go on to their end.
  void Release() {
    open_.set_value();
    for (auto& call : busy_) EXPECT_THAT(call.get(), IsOk());
    holder_.wait();
  }
  // The same, and ends the server when nothing waits any more.
  void Open() {
    Release();
    hub_->Stop();
    ShutDown(std::chrono::seconds(10));
  }
  // Calls that were begun, one turn each: those of SetUp alone.
  void ExpectNoneButTheBusyOnesBegan() {
    EXPECT_EQ(tables_.turns, int{UnaryCalls::kThreads});
    const std::string metrics = Metrics();
    for (const std::string& method : NamedCall::Unary()) {
      const std::string answered =
          fmt::format("alertjoin_grpc_requests_total{{code=\"OK\",method=\"{}\"}}", method);
      EXPECT_EQ(metrics.find(answered) != std::string::npos, method == "ListQueries") << method;
    }
  }

 private:
  std::promise<void> open_;
  std::future<void> opened_;
  std::future<void> holder_;
  std::vector<std::future<absl::Status>> busy_;
  std::unique_ptr<grpc::GenericStub> generic_;
};

TEST_F(BusyCallsTest, ACallWhoseDeadlinePassesBeforeItsTurnIsNotBegun) {
  for (const std::string& method : NamedCall::Unary()) {
    NamedCall call(generic(), method, "", Millis(20));
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kDeadlineExceeded)) << method;
  }
  Open();
  ExpectNoneButTheBusyOnesBegan();
}

TEST_F(BusyCallsTest, ACallThatIsCancelledBeforeItsTurnIsNotBegun) {
  for (const std::string& method : NamedCall::Unary()) {
    NamedCall call(generic(), method, "");
    call.Cancel();
    EXPECT_THAT(call.status(), StatusIs(absl::StatusCode::kCancelled)) << method;
  }
  Open();
  ExpectNoneButTheBusyOnesBegan();
}

// All places to wait are taken, and a call more is there: that one is told so at once, and the
// others are answered when their turn comes. Who subscribes needs no turn.
TEST_F(BusyCallsTest, OneCallTooManyIsRefusedAndAllOthersAreServed) {
  // A connection takes 100 calls.
  constexpr size_t kCallsPerConnection = 100;
  std::vector<std::unique_ptr<grpc::GenericStub>> connections;
  std::vector<std::unique_ptr<NamedCall>> calls;
  for (size_t i = 0; i < UnaryCalls::kWaitingMax + 1; ++i) {
    if (i % kCallsPerConnection == 0) connections.push_back(Connect());
    calls.push_back(std::make_unique<NamedCall>(*connections.back(), "ListQueries", ""));
  }
  const auto has_ended = [](const auto& call) { return call->HasEnded(); };
  auto refused = calls.end();
  while ((refused = std::ranges::find_if(calls, has_ended)) == calls.end()) {
    std::this_thread::yield();
  }
  EXPECT_THAT((*refused)->status(), StatusIs(absl::StatusCode::kResourceExhausted, "later"));
  EXPECT_EQ(DetailOf((*refused)->status())->reason, "TOO_MANY_CALLS");
  EXPECT_EQ(std::ranges::count_if(calls, has_ended), 1);
  EXPECT_THAT(Metrics(), HasSubstr("{code=\"RESOURCE_EXHAUSTED\",method=\"ListQueries\"} 1\n"));
  EXPECT_TRUE(SubscribedClient(stub(), {}).Read()->has_started());
  calls.erase(refused);
  Release();
  for (const auto& call : calls) EXPECT_THAT(call->status(), IsOk());
  grpc::ClientContext context;
  EXPECT_THAT(ListQueries(context), IsOk());
}

}  // namespace
}  // namespace alertjoin
