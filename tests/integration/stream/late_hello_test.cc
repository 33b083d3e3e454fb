// An uplink that has given up a stream whose hello the correlator may still get: over a real gRPC
// server that answers by a script.

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/net/grpc_server.h"
#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"
#include "tests/integration/stream/producer_end.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr Millis kSilenceMax(200);

// Answers nothing on the first stream, fences the next two, and keeps the others.
class ScriptedService final : public v1::IngestService::Service {
 public:
  static constexpr size_t kHellos = 4;

  grpc::Status PushEvents(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::PushEventsResponse, v1::PushEventsRequest>* stream) override {
    v1::PushEventsRequest request;
    if (!stream->Read(&request)) return grpc::Status::OK;
    size_t number = 0;
    {
      MutexLock lock(mutex_);
      log_ids_.push_back(request.hello().log_id());
      number = log_ids_.size();
      if (number == kHellos) all_.set_value(log_ids_);
    }
    if (number == 2 || number == 3) return ToGrpcStatus(MakeError("FENCED", "taken over"));
    while (stream->Read(&request)) {
    }
    return grpc::Status::OK;
  }

  // The log ids of the hellos.
  std::vector<std::string> Wait() { return all_.get_future().get(); }

 private:
  Mutex mutex_;
  std::vector<std::string> log_ids_ GUARDED_BY(mutex_);
  std::promise<std::vector<std::string>> all_;
};

// The stream after the one that was given up was once taken for fenced by a copy of the spool,
// and all that was there was sent again under a new log id.
TEST(LateHelloTest, TheFirstFenceBehindAStreamThatWasGivenUpMayBeOfItsOwnHello) {
  ScriptedService service;
  GrpcServerOptions options;
  options.services = {&service};
  const auto server = StartGrpcServer(options);
  ASSERT_THAT(server, IsOk());
  {
    ProducerEnd producer("127.0.0.1:" + std::to_string(server->port), "ingest-1", kSilenceMax);
    const std::vector<std::string> log_ids = service.Wait();
    EXPECT_EQ(log_ids[1], log_ids[0]);
    EXPECT_EQ(log_ids[2], log_ids[0]);
    // Nothing was given up before this one.
    EXPECT_NE(log_ids[3], log_ids[0]);
    EXPECT_EQ(producer.Metric("alertjoin_uplink_new_log_ids_total"), 1);
  }
  server->server->Shutdown();
}

}  // namespace
}  // namespace alertjoin
