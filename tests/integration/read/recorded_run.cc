#include "tests/integration/read/recorded_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/event/event_codec.h"
#include "common/net/grpc_server.h"
#include "common/net/grpc_status.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "correlator-service/app/correlator_app.h"
#include "tests/integration/read/whole_lists.h"
#include "tests/support/random_history.h"
#include "tests/support/seed.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

constexpr int kBatches = 900;
constexpr int kBatchesPerRestart = 150;
constexpr int kEventsPerBatch = 4;
constexpr char kLastAlert[] = "the last";

// The service, which comes back on the same ports.
class Correlator {
 public:
  explicit Correlator(const std::string& folder) {
    config_.grpc_listen_address = config_.http_listen_address = "127.0.0.1:0";
    config_.data_path = folder;
    Start();
    config_.grpc_listen_address = fmt::format("127.0.0.1:{}", app_->grpc_port());
  }
  void Restart() {
    app_.reset();
    Start();
  }
  std::unique_ptr<v1::CorrelatorService::Stub> Reader() const {
    return v1::CorrelatorService::NewStub(MakeChannel(config_.grpc_listen_address));
  }
  std::unique_ptr<v1::IngestService::Stub> Intake() const {
    return v1::IngestService::NewStub(MakeChannel(config_.grpc_listen_address));
  }

 private:
  void Start() {
    auto app = CorrelatorApp::Start(config_);
    Require(app.ok(), std::string(app.status().ToString()));
    app_ = *std::move(app);
  }

  CorrelatorConfig config_;
  std::unique_ptr<CorrelatorApp> app_;
};

// A producer on one stream; a new one goes on behind what is durable.
class Producer {
 public:
  explicit Producer(const Correlator& correlator, uint64_t next) : stub_(correlator.Intake()) {
    stream_ = stub_->PushEvents(&context_);
    v1::PushEventsRequest hello;
    hello.mutable_hello()->set_producer_id("p");
    hello.mutable_hello()->set_log_id("l");
    hello.mutable_hello()->set_epoch(1);
    hello.mutable_hello()->set_first_sequence(1);
    hello.mutable_hello()->set_next_sequence(next);
    v1::PushEventsResponse welcome;
    Require(stream_->Write(hello) && stream_->Read(&welcome), "no welcome");
    Require(welcome.welcome().durable_sequence() == next - 1, "durable events were forgotten");
  }
  ~Producer() {
    context_.TryCancel();
    (void)stream_->Finish();
  }

  // Returns when they are durable.
  void Push(const std::vector<Event>& events, uint64_t base_sequence) {
    v1::PushEventsRequest request;
    request.mutable_batch()->set_base_sequence(base_sequence);
    for (const Event& event : events) encoder_.Encode(event, request.mutable_batch()->add_events());
    Require(stream_->Write(request), "the stream broke");
    const uint64_t last = base_sequence + events.size() - 1;
    v1::PushEventsResponse response;
    do {
      Require(stream_->Read(&response), "the stream broke");
    } while (response.ack().durable_sequence() < last);
  }

 private:
  const std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PushEventsRequest, v1::PushEventsResponse>> stream_;
  EventEncoder encoder_;
};

// Histories are of times near zero: these are of the last hour.
void Shift(Event& event, Millis by) {
  if (auto* const samples = std::get_if<SampleBatch>(&event)) {
    for (Timestamp& time : samples->times) time = time + by;
  } else if (auto* const progress = std::get_if<QueryProgress>(&event)) {
    progress->complete_from = progress->complete_from + by;
    progress->complete_through = progress->complete_through + by;
  } else if (auto* const gap = std::get_if<Gap>(&event)) {
    gap->from = *gap->from + by;
    gap->through = *gap->through + by;
  } else if (auto* const error = std::get_if<QueryError>(&event)) {
    error->time = error->time + by;
  } else {
    TransitionEvent shifted = *TransitionOf(event);
    shifted.starts_at = shifted.starts_at + by;
    if (shifted.active_at) shifted.active_at = *shifted.active_at + by;
    if (shifted.ends_at) shifted.ends_at = *shifted.ends_at + by;
    shifted.received_time = shifted.received_time + by;
    event = std::move(shifted);
  }
}

std::unique_ptr<grpc::ClientReader<v1::SubscribeJoinedRowsResponse>> Subscribe(
    v1::CorrelatorService::Stub& stub, grpc::ClientContext& context,
    const v1::SubscribeJoinedRowsRequest& request) {
  return stub.SubscribeJoinedRows(&context, request);
}

std::unique_ptr<grpc::ClientReader<v1::SubscribeAlertsResponse>> Subscribe(
    v1::CorrelatorService::Stub& stub, grpc::ClientContext& context,
    const v1::SubscribeAlertsRequest& request) {
  return stub.SubscribeAlerts(&context, request);
}

std::unique_ptr<grpc::ClientReader<v1::SubscribeSamplesResponse>> Subscribe(
    v1::CorrelatorService::Stub& stub, grpc::ClientContext& context,
    const v1::SubscribeSamplesRequest& request) {
  return stub.SubscribeSamples(&context, request);
}

class Follower {
 public:
  virtual ~Follower() = default;
  // Streams that brought something.
  virtual int streams() const = 0;
};

// Follows the service until `last` is known and reached.
template <typename Request, typename Response>
class FollowerOf final : public Follower {
 public:
  FollowerOf(const Correlator& correlator, RecordingOf<Request, Response>& recording,
             const std::atomic<uint64_t>& last, int messages_per_stream)
      : stub_(correlator.Reader()),
        recording_(recording),
        last_(last),
        messages_per_stream_(messages_per_stream),
        thread_([this] { Run(); }) {}
  ~FollowerOf() override { thread_.join(); }

  int streams() const override { return streams_; }

 private:
  void Run() {
    const auto deadline = std::chrono::steady_clock::now() + kRecordingDeadline;
    while (!done_ && std::chrono::steady_clock::now() < deadline) FollowOneStream();
  }

  void FollowOneStream() {
    Request request = recording_.request;
    request.set_resume_token(token_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kRecordingDeadline);
    context.set_wait_for_ready(true);
    const auto reader = Subscribe(*stub_, context, request);
    Response message;
    for (int messages = 0; !done_ && messages != messages_per_stream_ && reader->Read(&message);
         ++messages) {
      token_ = message.resume_token();
      if (message.has_started()) {
        recording_.streams = ++streams_;
        continue;
      }
      recording_.messages.push_back(message);
      if (message.has_progress()) done_ = message.progress().sequence() >= last_;
    }
    context.TryCancel();
    (void)reader->Finish();
  }

  const std::unique_ptr<v1::CorrelatorService::Stub> stub_;
  RecordingOf<Request, Response>& recording_;
  const std::atomic<uint64_t>& last_;
  const int messages_per_stream_;  // Negative: no limit.
  std::string token_;
  std::atomic<int> streams_ = 0;
  bool done_ = false;
  std::thread thread_;
};

template <typename Request, typename Response>
std::unique_ptr<Follower> Follow(const Correlator& correlator,
                                 RecordingOf<Request, Response>& recording,
                                 const std::atomic<uint64_t>& last, int messages_per_stream) {
  return std::make_unique<FollowerOf<Request, Response>>(correlator, recording, last,
                                                         messages_per_stream);
}

// Waits until the row of the last alert can be read; what was pushed before is applied then.
uint64_t WaitForTheLast(const Correlator& correlator) {
  v1::SubscribeJoinedRowsRequest filter;
  filter.set_filter(fmt::format("alertname=\"{}\"", kLastAlert));
  const auto stub = correlator.Reader();
  uint64_t sequence = 0;
  while (ListAll(*stub, filter, &sequence).empty()) std::this_thread::yield();
  return sequence;
}

using Followers = std::vector<std::unique_ptr<Follower>>;

// Alerts that have nothing to do with others: every fifth batch one begins or ends.
void AddPlainAlert(int batch, Millis base, std::vector<Event>& events) {
  if (batch % 5 != 0) return;
  const int number = (batch - 5) / 10;
  TransitionEvent event;
  event.source = "am";
  event.labels =
      LabelSet{{"alertname", fmt::format("plain {}", number)}, {"i", fmt::to_string(number % 3)}};
  event.fingerprint = event.labels.FingerprintHex();
  event.starts_at = event.received_time = Timestamp() + base + Millis(1000 * number);
  if (batch % 10 == 0) {
    event.state = AlertState::kResolved;
    event.ends_at = event.starts_at + Millis(500);
  }
  events.emplace_back(std::move(event));
}

// How often it restarted the correlator, each time when everybody had come back from the last one.
int PushAll(Correlator& correlator, const Followers& followers, uint64_t seed) {
  RandomHistory history(seed);
  const Millis base = SystemClock().Now() - Timestamp() - std::chrono::hours(1);
  auto producer = std::make_unique<Producer>(correlator, 1);
  uint64_t next = 1;
  int restarts = 0;
  for (int batch = 1; batch <= kBatches; ++batch) {
    std::vector<Event> events;
    for (int i = 0; i < kEventsPerBatch; ++i) {
      events.push_back(history.MakeEvent(true));
      Shift(events.back(), base);
    }
    AddPlainAlert(batch, base, events);
    producer->Push(events, next);
    next += events.size();
    if (batch % kBatchesPerRestart != 0) continue;
    for (const auto& follower : followers) {
      while (follower->streams() <= restarts) std::this_thread::yield();
    }
    producer.reset();
    correlator.Restart();
    ++restarts;
    producer = std::make_unique<Producer>(correlator, next);
  }
  TransitionEvent last;
  last.source = "am";
  last.labels = LabelSet{{"alertname", kLastAlert}};
  last.fingerprint = last.labels.FingerprintHex();
  last.starts_at = last.received_time = Timestamp() + base;
  producer->Push({last}, next);
  return restarts;
}

std::vector<v1::SubscribeJoinedRowsRequest> Filters() {
  std::vector<v1::SubscribeJoinedRowsRequest> filters(4);
  filters[1].set_filter("a=0");
  filters[2].set_final_only(true);
  filters[3].set_state(v1::ALERT_STATE_RESOLVED);
  filters[3].set_filter("i=~\"0|2\"");
  for (auto& filter : filters) {
    filter.mutable_snapshot_window()->set_seconds(86'400);
    filter.mutable_progress_interval()->set_nanos(100'000'000);
  }
  return filters;
}

std::vector<v1::SubscribeAlertsRequest> AlertFilters() {
  std::vector<v1::SubscribeAlertsRequest> filters(2);
  filters[1].set_state(v1::ALERT_STATE_FIRING);
  filters[1].set_filter("i=~\"0|2\"");
  for (auto& filter : filters) {
    filter.mutable_snapshot_window()->set_seconds(86'400);
    filter.mutable_progress_interval()->set_nanos(100'000'000);
  }
  return filters;
}

RecordedRun Record() {
  const uint64_t seed = TestSeed();
  const TemporaryFolder folder;
  Correlator correlator(folder / "data");
  RecordedRun run;
  for (const auto& filter : Filters())
    run.recordings.resize(run.recordings.size() + 2, {filter, {}, 0});
  for (const auto& filter : AlertFilters()) {
    run.alert_recordings.resize(run.alert_recordings.size() + 2, {filter, {}, 0});
  }
  std::atomic<uint64_t> last = UINT64_MAX;
  {
    Followers followers;
    for (size_t i = 0; i < run.recordings.size(); ++i) {
      followers.push_back(Follow(correlator, run.recordings[i], last, i % 2 == 0 ? -1 : 5));
    }
    for (size_t i = 0; i < run.alert_recordings.size(); ++i) {
      followers.push_back(Follow(correlator, run.alert_recordings[i], last, i % 2 == 0 ? -1 : 5));
    }
    run.samples.request.mutable_progress_interval()->set_nanos(100'000'000);
    followers.push_back(Follow(correlator, run.samples, last, 20));
    run.restarts = PushAll(correlator, followers, seed);
    run.last_sequence = WaitForTheLast(correlator);
    last = run.last_sequence;
  }
  const auto reader = correlator.Reader();
  run.listed_samples = ListAllSamples(*reader);
  for (const Recording& recording : run.recordings) {
    uint64_t sequence = 0;
    run.lists.push_back(ListAll(*reader, recording.request, &sequence));
    Require(sequence == run.last_sequence, "something changed after the end");
  }
  for (const AlertRecording& recording : run.alert_recordings) {
    uint64_t sequence = 0;
    run.alert_lists.push_back(ListAll(*reader, recording.request, &sequence));
    Require(sequence == run.last_sequence, "something changed after the end");
  }
  return run;
}

}  // namespace

const RecordedRun& TheRecordedRun() {
  static const RecordedRun run = Record();
  return run;
}

}  // namespace alertjoin
