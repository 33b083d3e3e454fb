// SubscribeSamples over gRPC. What it sends is decided, and tested, without a server
// (tests/unit/correlator-service/subscribe/sample_cursor_test.cc).

#include <gmock/gmock.h>

#include <thread>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "tests/integration/read/read_fixture.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

class SubscribeSamplesTest : public ReadTest {
 protected:
  class Stream {
   public:
    Stream(v1::CorrelatorService::Stub& stub, const v1::SubscribeSamplesRequest& request) {
      // A test that waits for ever fails instead.
      context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
      reader_ = stub.SubscribeSamples(&context_, request);
    }
    ~Stream() {
      context_.TryCancel();
      (void)Finish();
    }
    v1::SubscribeSamplesResponse Read() {
      v1::SubscribeSamplesResponse message;
      EXPECT_TRUE(reader_->Read(&message));
      EXPECT_NE(message.resume_token(), "");
      return message;
    }
    void Cancel() { context_.TryCancel(); }
    absl::Status Finish() {
      v1::SubscribeSamplesResponse message;
      while (!finished_ && reader_->Read(&message)) {
      }
      if (!std::exchange(finished_, true)) status_ = FromGrpcStatus(reader_->Finish());
      return status_;
    }

   private:
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<v1::SubscribeSamplesResponse>> reader_;
    bool finished_ = false;
    absl::Status status_;
  };

  void Append(const std::string& label, double value) {
    Round round;
    round.time = SystemClock().Now();
    const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
    SampleBatch batch;
    batch.series =
        SeriesTable{std::make_shared<const SeriesKey>(SeriesKey{query, LabelSet{{"i", label}}})};
    batch.series_index = {0};
    batch.times = {round.time};
    batch.values = {value};
    round.events.emplace_back(std::move(batch));
    ASSERT_THAT(rounds_.Append(round), IsOk());
  }
  absl::Status ErrorOf(const v1::SubscribeSamplesRequest& request) {
    return Stream(stub(), request).Finish();
  }
};

TEST_F(SubscribeSamplesTest, SendsWhatWasTakenAndThenWhatIsTaken) {
  Start({});
  Append("1", 5);
  Stream stream(stub(), {});
  EXPECT_EQ(stream.Read().started().store_id(), store_->store_id());
  const auto samples = stream.Read();
  ASSERT_EQ(samples.samples().series_size(), 1);
  EXPECT_EQ(samples.samples().series(0).series().labels().at("i"), "1");
  EXPECT_EQ(samples.samples().series(0).samples(0).value(), 5);
  EXPECT_TRUE(stream.Read().has_snapshot_complete());
  Append("1", 6);
  EXPECT_EQ(stream.Read().samples().series(0).samples(0).value(), 6);
}

TEST_F(SubscribeSamplesTest, GoesOnBehindAToken) {
  Start({});
  Append("1", 5);
  Append("2", 6);
  v1::SubscribeSamplesRequest request;
  request.mutable_series()->set_filter("i=~\"1|3\"");
  std::string token;
  {
    Stream stream(stub(), request);
    for (int messages = 0; messages < 3; ++messages) token = stream.Read().resume_token();
  }
  Append("3", 7);
  request.set_resume_token(token);
  Stream stream(stub(), request);
  EXPECT_TRUE(stream.Read().has_started());
  const auto samples = stream.Read();
  ASSERT_EQ(samples.samples().series_size(), 1);
  EXPECT_EQ(samples.samples().series(0).series().labels().at("i"), "3");
}

TEST_F(SubscribeSamplesTest, ProgressIsASignOfLife) {
  Start({});
  v1::SubscribeSamplesRequest request;
  request.set_start(v1::SUBSCRIPTION_START_LIVE);
  request.mutable_progress_interval()->set_nanos(100'000'000);
  Stream stream(stub(), request);
  EXPECT_TRUE(stream.Read().has_started());
  EXPECT_TRUE(stream.Read().has_progress());
}

TEST_F(SubscribeSamplesTest, ErrorsNameReasonAndField) {
  Start({});
  v1::SubscribeSamplesRequest request;
  request.mutable_series()->set_filter("i==");
  const absl::Status error = ErrorOf(request);
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kInvalidArgument, "series.filter"));
  EXPECT_EQ(DetailOf(error)->reason, "INVALID_FILTER");
  request.Clear();
  request.set_resume_token("nonsense");
  EXPECT_EQ(DetailOf(ErrorOf(request))->reason, "INVALID_RESUME_TOKEN");
}

TEST_F(SubscribeSamplesTest, EndsWhenTheCorrelatorStops) {
  Start({});
  Stream stream(stub(), {});
  (void)stream.Read();
  hub_->Stop();
  const absl::Status end = stream.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(DetailOf(end)->reason, "STOPPING");
}

TEST_F(SubscribeSamplesTest, OneThatCancelsIsForgotten) {
  Start({});
  {
    Stream stream(stub(), {});
    (void)stream.Read();
    stream.Cancel();
    EXPECT_THAT(stream.Finish(), StatusIs(absl::StatusCode::kCancelled));
  }
  while (Metrics().find("alertjoin_subscribers 0\n") == std::string::npos) {
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace alertjoin
