// SubscribeSamples over gRPC. What it sends is decided, and tested, without a server
// (tests/unit/correlator-service/subscribe/sample_cursor_test.cc).

#include <gmock/gmock.h>

#include <future>
#include <set>
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
  // Every reading gives a message.
  class Stream : public SamplesClient {
   public:
    using SamplesClient::SamplesClient;
    v1::SubscribeSamplesResponse Read() {
      const auto message = SamplesClient::Read();
      EXPECT_TRUE(message.has_value());
      return message.value_or(v1::SubscribeSamplesResponse());
    }
  };

  static constexpr int kMany = 25;

  void Append(const std::string& label, double value) { AppendSeries({label}, value); }
  // A sample for each of kMany new series with long labels, counted on over all calls.
  void AppendMany(const std::string& text, int call) {
    std::vector<std::string> labels;
    for (int i = 0; i < kMany; ++i) labels.push_back(std::to_string(call * kMany + i) + text);
    AppendSeries(labels, call * kMany);
  }
  // A sample for each label; the values count from the first.
  void AppendSeries(const std::vector<std::string>& labels, double value) {
    Round round;
    round.time = SystemClock().Now();
    const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
    SampleBatch batch;
    SeriesTable series;
    for (const std::string& label : labels) {
      batch.series_index.push_back(static_cast<uint32_t>(batch.times.size()));
      series.push_back(std::make_shared<const SeriesKey>(SeriesKey{query, LabelSet{{"i", label}}}));
      batch.times.push_back(round.time);
      batch.values.push_back(value++);
    }
    batch.series = std::move(series);
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
  const auto last = stream.Read();
  hub_->Stop();
  const absl::Status end = stream.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(DetailOf(end)->reason, "STOPPING");
  EXPECT_EQ(TokenOf(end), last.resume_token());
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

// One that reads nothing, with far more behind it than the transport buffers. Its neighbour has
// every sample and those that follow; rows and look-ups are served meanwhile.
TEST_F(SubscribeSamplesTest, OneThatStallsHarmsNobodyAndIsTold) {
  constexpr int kRounds = 400;
  Start({.store = {},
         .hub = {},
         .subscription = {.progress_interval = {},
                          .write_stall_max = Millis(2000),
                          .finish_stall_max = std::chrono::minutes(1)}});
  Stream stalled(stub(), {});
  (void)stalled.Read();
  const auto other_stub = OtherStub();
  v1::SubscribeSamplesRequest often;
  often.mutable_progress_interval()->set_nanos(100'000'000);
  Stream other(*other_stub, often);
  // It reads all the time: up to the last sample, each once.
  auto read = std::async(std::launch::async, [&other] {
    std::set<double> values;
    while (values.size() < kRounds * kMany) {
      const auto message = other.Read();
      if (message.resume_token().empty()) return false;  // It has ended.
      for (const auto& series : message.samples().series()) {
        for (const auto& sample : series.samples()) {
          if (!values.insert(sample.value()).second) return false;
        }
      }
    }
    return true;
  });
  const std::string text(4000, 'x');
  for (int i = 0; i < kRounds; ++i) AppendMany(text, i);
  EXPECT_TRUE(read.get());
  grpc::ClientContext context;
  v1::ListQueriesResponse listed;
  EXPECT_THAT(FromGrpcStatus(other_stub->ListQueries(&context, {}, &listed)), IsOk());
  EXPECT_TRUE(SubscribedClient(*other_stub, {}).Read()->has_started());
  while (Metrics().find("reason=\"SUBSCRIBER_TOO_SLOW\"} 1\n") == std::string::npos) {
    ASSERT_NE(other.Read().resume_token(), "");  // Progress, ten times a second.
  }
  const absl::Status end = stalled.Finish();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kResourceExhausted, "2000 ms"));
  EXPECT_EQ(DetailOf(end)->reason, "SUBSCRIBER_TOO_SLOW");
  ASSERT_EQ(DetailOf(end)->metadata.at(0).first, "resume_token");
  // Which is where it goes on.
  v1::SubscribeSamplesRequest request;
  request.set_resume_token(DetailOf(end)->metadata.at(0).second);
  Stream resumed(*other_stub, request);
  EXPECT_TRUE(resumed.Read().has_started());
  EXPECT_TRUE(resumed.Read().has_samples());
}

}  // namespace
}  // namespace alertjoin
