// What every server made by StartGrpcServer offers, asked over the wire.

#include "common/net/grpc_server.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/stream/correlator_end.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string result;
  if (!buffer.Dump(&slices).ok()) return result;
  for (const grpc::Slice& slice : slices) {
    result.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return result;
}

// Sends one message to the method and gives the first answer: no generated code for the standard
// services comes with the library.
std::string Ask(const std::string& address, const std::string& method, const std::string& request) {
  grpc::GenericStub stub(MakeChannel(address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareCall(&context, method, &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(&queue);
  EXPECT_TRUE(wait());
  call->Write(ToBuffer(request), &queue);
  EXPECT_TRUE(wait());
  grpc::ByteBuffer response;
  call->Read(&response, &queue);
  const bool answered = wait();
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, &queue);
  wait();
  return answered ? ToString(response) : "no answer";
}

class GrpcServerTest : public ::testing::Test {
 protected:
  FakeSink sink_;
  CorrelatorEnd correlator_{sink_};
};

TEST_F(GrpcServerTest, ReflectionListsTheServices) {
  const std::string list_services("\x3a\x00", 2);  // ServerReflectionRequest.list_services = ""
  const std::string answer =
      Ask(correlator_.address(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
          list_services);
  EXPECT_NE(answer.find("alertjoin.v1.IngestService"), std::string::npos);
  EXPECT_NE(answer.find("grpc.health.v1.Health"), std::string::npos);
}

TEST_F(GrpcServerTest, HealthIsServingForTheServerAndForTheService) {
  const std::string serving("\x08\x01", 2);  // HealthCheckResponse.status = SERVING
  const std::string name = "alertjoin.v1.IngestService";
  const std::string check = "/grpc.health.v1.Health/Check";
  EXPECT_EQ(Ask(correlator_.address(), check, ""), serving);
  const std::string request =
      std::string(1, '\x0a') + static_cast<char>(name.size()) + name;  // service = name
  EXPECT_EQ(Ask(correlator_.address(), check, request), serving);
}

// How many of these have ended so far; waits until there are so many, for a call's end may be seen
// by its caller first.
class CountedCalls : public GrpcServerTest {
 protected:
  double Calls(const std::string& name) { return correlator_.Metric(name, method_); }
  bool Eventually(const std::string& name, double value) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (Calls(name) != value && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    return Calls(name) == value;
  }

  std::string method_;
  static constexpr char kEnded[] = "alertjoin_grpc_requests_total";
  static constexpr char kInProgress[] = "alertjoin_grpc_requests_in_progress";
};

TEST_F(CountedCalls, StandardServicesAreCountedAsWell) {
  Ask(correlator_.address(), "/grpc.health.v1.Health/Check", "");
  Ask(correlator_.address(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      std::string("\x3a\x00", 2));
  for (const char* method : {"Check", "ServerReflectionInfo"}) {
    method_ = method;
    EXPECT_TRUE(Eventually(kEnded, 1)) << method;
    EXPECT_TRUE(Eventually(kInProgress, 0)) << method;
  }
}

TEST_F(CountedCalls, AStreamIsInProgressUntilItEnds) {
  method_ = "PushEvents";
  grpc::ClientContext context;
  const auto stub = v1::IngestService::NewStub(MakeChannel(correlator_.address()));
  {
    const auto stream = stub->PushEvents(&context);
    EXPECT_TRUE(Eventually(kInProgress, 1));
    EXPECT_EQ(Calls(kEnded), 0);
    // To the service that looks like an orderly end, or like a cancelled call.
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually(kEnded, 1));
  EXPECT_TRUE(Eventually(kInProgress, 0));
}

TEST_F(CountedCalls, AMethodThatNobodyHasIsCountedWithoutItsName) {
  grpc::GenericStub stub(MakeChannel(correlator_.address()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/alertjoin.v1.IngestService/NoSuchMethod",
                                          ToBuffer(""), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  method_ = "other";
  EXPECT_TRUE(Eventually(kEnded, 1));
  method_ = "UNIMPLEMENTED";
  EXPECT_TRUE(Eventually(kEnded, 1));
}

TEST_F(GrpcServerTest, TakenPortIsRefusedWithItsAddress) {
  GrpcServerOptions options;
  options.listen_address = correlator_.address();
  EXPECT_THAT(StartGrpcServer(options),
              StatusIs(absl::StatusCode::kUnavailable, correlator_.address()));
}

TEST(GrpcServer, AddressOfNobodyIsRefused) {
  GrpcServerOptions options;
  options.listen_address = "192.0.2.1:0";
  options.insecure = true;
  EXPECT_THAT(StartGrpcServer(options), StatusIs(absl::StatusCode::kUnavailable, "192.0.2.1"));
}

TEST(GrpcServer, AddressThatOthersReachIsRefusedWithoutTls) {
  GrpcServerOptions options;
  options.listen_address = "0.0.0.0:0";
  EXPECT_THAT(StartGrpcServer(options),
              StatusIs(absl::StatusCode::kInvalidArgument, "gRPC listener 0.0.0.0:0"));
  options.insecure = true;
  EXPECT_THAT(StartGrpcServer(options).status(), IsOk());
}

}  // namespace
}  // namespace alertjoin
