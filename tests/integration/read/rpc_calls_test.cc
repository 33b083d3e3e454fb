// What HTTP has of calls to the service of its own process.

#include "correlator-service/http/rpc_calls.h"

#include <gtest/gtest.h>

#include <future>

#include "common/net/grpc_server.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/error_reason.h"
#include "tests/integration/read/read_fixture.h"

namespace alertjoin {
namespace {

constexpr char kSubscribe[] = "/alertjoin.v1.CorrelatorService/SubscribeJoinedRows";
constexpr Millis kLong{60'000};

class RpcCallsTest : public ReadTest {
 protected:
  RpcCallsTest() {
    Start({});
    calls_.Open(MakeInProcessChannel(*server_.server));
  }
  ~RpcCallsTest() override {
    calls_.Close();
    hub_->Stop();
    ShutDown(std::chrono::seconds(10));
  }
  std::unique_ptr<RpcStream> Subscribe() {
    return std::make_unique<RpcStream>(calls_, nullptr, kSubscribe,
                                       ToBytes(v1::SubscribeJoinedRowsRequest()));
  }

  RpcCalls calls_;
};

// The service had ended the calls, and the server was shut down, before their readers, who had
// messages to read yet, came to the end: they were told that a transport had closed.
TEST_F(RpcCallsTest, AStopWaitsUntilTheEndOfACallHasBeenRead) {
  EXPECT_TRUE(calls_.Drain(Millis(0)));
  const auto stream = Subscribe();
  hub_->Stop();
  calls_.Close();
  EXPECT_FALSE(calls_.Drain(Millis(0)));
  auto drained = std::async(std::launch::async, [this] { return calls_.Drain(kLong); });
  grpc::ByteBuffer message;
  while (stream->Read(kLong, &message) == RpcStream::Next::kMessage) {
  }
  const auto detail = DetailOf(FromGrpcStatus(stream->Finish()));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "STOPPING");
  EXPECT_TRUE(drained.get());
}

TEST_F(RpcCallsTest, WhatIsGivenUpHasEnded) {
  { const auto stream = Subscribe(); }
  {
    const auto unary = RpcUnary(calls_, nullptr, "/alertjoin.v1.CorrelatorService/ListQueries",
                                grpc::ByteBuffer(), kLong);
  }
  EXPECT_TRUE(calls_.Drain(Millis(0)));
  // One that is refused never began.
  calls_.Close();
  const auto refused = Subscribe();
  EXPECT_TRUE(calls_.Drain(Millis(0)));
  grpc::ByteBuffer message;
  EXPECT_EQ(refused->Read(kLong, &message), RpcStream::Next::kEnd);
  EXPECT_EQ(DetailOf(FromGrpcStatus(refused->Finish()))->reason, "NOT_SERVING");
}

}  // namespace
}  // namespace alertjoin
