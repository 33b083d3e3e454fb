// PushEvents as any client sees it: statuses, details, and the order of messages.

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/event/event_codec.h"
#include "common/net/grpc_status.h"
#include "tests/integration/stream/correlator_end.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

v1::PushEventsRequest Hello(uint64_t epoch = 1, const std::string& log_id = "l") {
  v1::PushEventsRequest request;
  request.mutable_hello()->set_producer_id("me");
  request.mutable_hello()->set_log_id(log_id);
  request.mutable_hello()->set_epoch(epoch);
  request.mutable_hello()->set_first_sequence(1);
  request.mutable_hello()->set_next_sequence(100);
  return request;
}

v1::PushEventsRequest Batch(uint64_t base, uint64_t count) {
  v1::PushEventsRequest request;
  request.mutable_batch()->set_base_sequence(base);
  for (uint64_t i = 0; i < count; ++i) {
    TransitionEvent alert;
    alert.source = "am";
    alert.fingerprint = std::to_string(base + i);
    EventEncoder().Encode(alert, request.mutable_batch()->add_events());
  }
  return request;
}

// A blocking client of one stream.
class RawStream {
 public:
  // Has so much time, after which a test that waits for ever fails instead.
  explicit RawStream(const std::string& address, Millis time = std::chrono::seconds(30))
      : stub_(v1::IngestService::NewStub(MakeChannel(address))) {
    context_.set_deadline(std::chrono::system_clock::now() + time);
    stream_ = stub_->PushEvents(&context_);
  }
  void Send(const v1::PushEventsRequest& request) { stream_->Write(request); }
  void HalfClose() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }
  // The next answer that is no heartbeat; empty when the stream has ended.
  v1::PushEventsResponse Receive() {
    v1::PushEventsResponse response;
    while (stream_->Read(&response)) {
      if (!response.has_heartbeat()) return response;
    }
    return v1::PushEventsResponse();
  }
  // Reads to the end.
  absl::Status Finish() {
    v1::PushEventsResponse response;
    while (stream_->Read(&response)) continue;
    return FromGrpcStatus(stream_->Finish());
  }

 private:
  const std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PushEventsRequest, v1::PushEventsResponse>> stream_;
};

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

class RawStreamTest : public ::testing::Test {
 protected:
  std::unique_ptr<RawStream> Open() { return std::make_unique<RawStream>(correlator_.address()); }
  std::unique_ptr<RawStream> OpenWelcomed(uint64_t epoch = 1) {
    auto stream = Open();
    stream->Send(Hello(epoch));
    EXPECT_TRUE(stream->Receive().has_welcome());
    return stream;
  }
  double Refused(const std::string& reason) {
    return correlator_.Metric("alertjoin_intake_refused_total", reason);
  }

  FakeSink sink_;
  CorrelatorEnd correlator_{sink_};
};

TEST_F(RawStreamTest, HelloAloneIsWelcomedAndEndsWell) {
  const auto stream = Open();
  stream->Send(Hello());
  stream->HalfClose();
  const auto welcome = stream->Receive().welcome();
  EXPECT_EQ(welcome.durable_sequence(), 0U);
  EXPECT_EQ(welcome.store_id(), "store-1");
  EXPECT_GT(welcome.window_events_max(), 0U);
  // What an uplink may take for silence depends on it.
  EXPECT_EQ(welcome.heartbeat_interval().seconds(), 0);
  EXPECT_EQ(welcome.heartbeat_interval().nanos(), 500'000'000);
  EXPECT_THAT(stream->Finish(), IsOk());
}

TEST_F(RawStreamTest, HalfClosedStreamStillGetsItsLastAck) {
  const auto stream = OpenWelcomed();
  sink_.Hold();
  stream->Send(Batch(1, 3));
  stream->HalfClose();
  ASSERT_TRUE(sink_.WaitTaken(3));
  sink_.Release();
  EXPECT_EQ(stream->Receive().ack().durable_sequence(), 3U);
  EXPECT_THAT(stream->Finish(), IsOk());
}

TEST_F(RawStreamTest, StreamWithoutAnyMessageEndsWell) {
  const auto stream = Open();
  stream->HalfClose();
  EXPECT_THAT(stream->Finish(), IsOk());
}

TEST_F(RawStreamTest, DuplicatesAreAckedAgain) {
  const auto stream = OpenWelcomed();
  stream->Send(Batch(1, 2));
  EXPECT_EQ(stream->Receive().ack().durable_sequence(), 2U);
  stream->Send(Batch(1, 2));
  EXPECT_EQ(stream->Receive().ack().durable_sequence(), 2U);
  EXPECT_EQ(sink_.Taken().size(), 2U);
}

TEST_F(RawStreamTest, HoleIsOutOfRangeWithTheExpectedSequence) {
  const auto stream = OpenWelcomed();
  stream->Send(Batch(1, 2));
  stream->Send(Batch(5, 1));
  const absl::Status status = stream->Finish();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, "leaves a hole"));
  EXPECT_EQ(ReasonOf(status), "SEQUENCE_HOLE");
  ASSERT_EQ(DetailOf(status)->metadata.size(), 1U);
  EXPECT_EQ(DetailOf(status)->metadata[0].second, "3");
  EXPECT_EQ(Refused("SEQUENCE_HOLE"), 1);
}

TEST_F(RawStreamTest, HigherEpochFencesTheOlderStream) {
  const auto older = OpenWelcomed(1);
  const auto newer = OpenWelcomed(2);
  const absl::Status status = older->Finish();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "taken over"));
  EXPECT_EQ(ReasonOf(status), "FENCED");
  const auto late = Open();
  late->Send(Hello(1));
  EXPECT_EQ(ReasonOf(late->Finish()), "FENCED");
  newer->Send(Batch(1, 1));
  EXPECT_EQ(newer->Receive().ack().durable_sequence(), 1U);
  EXPECT_EQ(Refused("FENCED"), 2);
}

// As an uplink does that has given a connection up. It was once counted as refused, and alerted on.
TEST_F(RawStreamTest, AStreamOfTheSameEpochReplacesTheOlderAndNobodyIsRefused) {
  const auto older = OpenWelcomed(1);
  const auto newer = OpenWelcomed(1);
  EXPECT_EQ(ReasonOf(older->Finish()), "FENCED");
  newer->Send(Batch(1, 1));
  EXPECT_EQ(newer->Receive().ack().durable_sequence(), 1U);
  EXPECT_EQ(Refused("FENCED"), 0);
}

TEST_F(RawStreamTest, MalformedEventIsNamed) {
  const auto stream = OpenWelcomed();
  auto batch = Batch(1, 2);
  batch.mutable_batch()->mutable_events(1)->mutable_transition()->clear_fingerprint();
  stream->Send(batch);
  const absl::Status status = stream->Finish();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "event 2: "));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "transition.fingerprint"));
  EXPECT_EQ(ReasonOf(status), "MALFORMED_EVENT");
  EXPECT_EQ(DetailOf(status)->field_violations.at(0).field, "transition.fingerprint");
  EXPECT_EQ(Refused("MALFORMED_EVENT"), 1);
}

// gRPC takes it for the end of what the producer has to say, and so did we: the stream ended well,
// and an uplink would have tried for ever.
TEST_F(RawStreamTest, MessageThatCannotBeParsedIsNamed) {
  const auto stream = OpenWelcomed();
  stream->Send(Batch(1, 2));
  auto batch = Batch(3, 4);
  batch.mutable_batch()->mutable_events(1)->mutable_transition()->set_source("not UTF-8: \xff");
  stream->Send(batch);
  const absl::Status status = stream->Finish();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               "event 4: malformed event: message: number 3 of the stream"));
  EXPECT_EQ(ReasonOf(status), "MALFORMED_EVENT");
  EXPECT_EQ(Refused("MALFORMED_EVENT"), 1);
  EXPECT_EQ(sink_.Taken().size(), 2U) << "nothing of it was taken";

  auto hello = Hello();
  hello.mutable_hello()->set_version("\xff");
  const auto other = Open();
  other->Send(hello);
  EXPECT_THAT(other->Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        "malformed event: message: number 1 of the stream"));
}

TEST_F(RawStreamTest, BatchWithoutHelloIsRefused) {
  const auto stream = Open();
  stream->Send(Batch(1, 1));
  EXPECT_THAT(stream->Finish(), StatusIs(absl::StatusCode::kInvalidArgument, "first message"));
  EXPECT_TRUE(sink_.Taken().empty());
}

TEST_F(RawStreamTest, CancelledStreamLeavesNothingBehind) {
  for (int i = 0; i < 50; ++i) {
    const auto stream = OpenWelcomed();
    stream->Send(Batch(static_cast<uint64_t>(i) + 1, 1));
    stream->Cancel();
    EXPECT_FALSE(stream->Finish().ok());
  }
  const auto last = OpenWelcomed();
  last->HalfClose();
  EXPECT_THAT(last->Finish(), IsOk());
  correlator_.CutServer();
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_streams"), 0);
}

// With an event on its way that is not acknowledged in time.
TEST_F(RawStreamTest, StreamWhoseDeadlinePassesLeavesNothingBehind) {
  sink_.Hold();
  RawStream late(correlator_.address(), Millis(200));
  late.Send(Hello(1));
  late.Send(Batch(1, 1));
  EXPECT_THAT(late.Finish(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  sink_.Release();
  const auto last = OpenWelcomed(2);
  last->HalfClose();
  EXPECT_THAT(last->Finish(), IsOk());
  correlator_.CutServer();
  EXPECT_EQ(correlator_.Metric("alertjoin_intake_streams"), 0);
}

// What is left of a stream that is broken off is its end of reading, as when all was said.
TEST_F(RawStreamTest, CancelledStreamsAreCountedAsSuch) {
  constexpr int kStreams = 100;
  for (int i = 0; i < kStreams; ++i) {
    const auto stream = Open();
    stream->Send(Hello(1, "log " + std::to_string(i)));
    ASSERT_TRUE(stream->Receive().has_welcome());
    stream->Cancel();
    EXPECT_THAT(stream->Finish(), StatusIs(absl::StatusCode::kCancelled));
  }
  const auto last = OpenWelcomed();
  last->HalfClose();
  EXPECT_THAT(last->Finish(), IsOk());
  correlator_.CutServer();
  EXPECT_EQ(correlator_.Metric("alertjoin_grpc_requests_total", "CANCELLED"), kStreams);
  EXPECT_EQ(correlator_.Metric("alertjoin_grpc_requests_total", "OK"), 1);
}

TEST_F(RawStreamTest, StopEndsEveryStreamWithItsReason) {
  const auto welcomed = OpenWelcomed();
  const auto silent = Open();
  silent->Send(Hello(1, "another log"));
  ASSERT_TRUE(silent->Receive().has_welcome());
  correlator_.service().Stop();
  for (RawStream* stream : {welcomed.get(), silent.get()}) {
    const absl::Status status = stream->Finish();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "stopping"));
    EXPECT_EQ(ReasonOf(status), "STOPPING");
  }
  EXPECT_EQ(ReasonOf(Open()->Finish()), "STOPPING");
}

TEST_F(RawStreamTest, EventsAppliedAfterTheServiceIsGoneHarmNothing) {
  sink_.Hold();
  const auto stream = OpenWelcomed();
  stream->Send(Batch(1, 3));
  ASSERT_TRUE(sink_.WaitTaken(3));
  correlator_.StopGracefully();
  EXPECT_EQ(ReasonOf(stream->Finish()), "STOPPING");
  sink_.Release();
}

}  // namespace
}  // namespace alertjoin
