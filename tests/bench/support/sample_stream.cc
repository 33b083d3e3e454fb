#include "tests/bench/support/sample_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/net/grpc_server.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"

namespace alertjoin {
namespace {

constexpr Millis kStep = std::chrono::seconds(15);

Query TheQuery() { return {"prom", "queue_depth", "queue_depth", TimeKind::kSample}; }
std::string InstanceOf(size_t series) { return fmt::format("host-{}.example:9100", series); }

// Series are scraped at phases of their own.
Timestamp TimeOf(const SampleStreamOptions& options, size_t series, size_t scrape) {
  const auto steps = static_cast<int64_t>(options.samples_per_series - 1 - scrape);
  return options.newest - kStep * steps - kStep + Millis(static_cast<int64_t>(series) % 15'000);
}
double ValueOf(size_t series, size_t scrape) { return static_cast<double>(series * 256 + scrape); }

SeriesTable MakeSeries(size_t count) {
  const auto query = std::make_shared<const Query>(TheQuery());
  SeriesTable table;
  for (size_t i = 0; i < count; ++i) {
    LabelSet labels{{"__name__", "queue_depth"}, {"instance", InstanceOf(i)}, {"job", "node"}};
    table.push_back(std::make_shared<const SeriesKey>(SeriesKey{query, std::move(labels)}));
  }
  return table;
}

size_t SeriesOfAlert(const SampleStreamOptions& options, size_t alert) {
  return alert * (options.series / options.alerts);
}

// They fire at the end of the step that begins with this scrape.
size_t ScrapeOfAlerts(const SampleStreamOptions& options) { return options.samples_per_series / 2; }

Event MakeAlert(const SampleStreamOptions& options, size_t alert) {
  TransitionEvent event;
  event.source = "am";
  event.labels = LabelSet{{"alertname", "QueueLong"},
                          {"instance", InstanceOf(SeriesOfAlert(options, alert))},
                          {"job", "node"}};
  event.fingerprint = event.labels.FingerprintHex();
  event.starts_at = TimeOf(options, 0, ScrapeOfAlerts(options)) + kStep - Millis(1);
  event.received_time = event.starts_at;
  Binding binding;
  binding.query = TheQuery();
  binding.on = {"instance", "job"};
  event.bindings = {std::move(binding)};
  return event;
}

// Encodes events as messages.
class MessageWriter {
 public:
  explicit MessageWriter(SampleStream& stream) : stream_(stream) {}

  void Add(const Event& event) {
    encoder_.Encode(event, message_.mutable_batch()->add_events());
    ++stream_.last_sequence;
  }
  void EndMessage() {
    const auto events = static_cast<uint64_t>(message_.batch().events_size());
    if (events == 0) return;
    message_.mutable_batch()->set_base_sequence(stream_.last_sequence - events + 1);
    stream_.messages.push_back(std::move(message_));
    message_ = v1::PushEventsRequest();
  }
  size_t events() const { return static_cast<size_t>(message_.batch().events_size()); }

 private:
  SampleStream& stream_;
  EventEncoder encoder_;
  v1::PushEventsRequest message_;
};

// The calls of one producer. Reads and writes go on side by side.
class Producer final
    : public grpc::ClientBidiReactor<v1::PushEventsRequest, v1::PushEventsResponse> {
 public:
  Producer(const std::string& address, const SampleStream& stream)
      : stream_(stream), stub_(v1::IngestService::NewStub(MakeChannel(address))) {
    hello_.mutable_hello()->set_producer_id("bench");
    hello_.mutable_hello()->set_log_id("bench");
    hello_.mutable_hello()->set_epoch(1);
    hello_.mutable_hello()->set_first_sequence(1);
    hello_.mutable_hello()->set_next_sequence(stream.last_sequence + 1);
    stub_->async()->PushEvents(&context_, this);
    // A write may start outside a reaction: that of the welcome.
    AddHold();
    StartWrite(&hello_);
    StartRead(&response_);
    StartCall();
  }

  void WaitAcknowledged() { acknowledged_.get_future().wait(); }
  void WaitDone() { CHECK(done_.get_future().get().ok()); }

  void OnWriteDone(bool ok) override {
    CHECK(ok);
    if (next_ == 0) {
      BeginWhenReady();
    } else {
      WriteNext();
    }
  }
  void OnReadDone(bool ok) override {
    if (!ok) return RemoveHold();
    if (response_.has_welcome()) {
      CHECK(response_.welcome().durable_sequence() == 0);
      CHECK(response_.welcome().window_events_max() >= stream_.last_sequence);
      BeginWhenReady();
    }
    if (response_.ack().durable_sequence() == stream_.last_sequence) acknowledged_.set_value();
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override { done_.set_value(status); }

 private:
  // The hello's write has ended, and the welcome has come: in any order.
  void BeginWhenReady() {
    if (++ready_ == 2) WriteNext();
  }
  void WriteNext() {
    const size_t next = next_++;
    if (next < stream_.messages.size()) return StartWrite(&stream_.messages[next]);
    if (next == stream_.messages.size()) StartWritesDone();
  }

  const SampleStream& stream_;
  const std::unique_ptr<v1::IngestService::Stub> stub_;
  grpc::ClientContext context_;
  v1::PushEventsRequest hello_;
  v1::PushEventsResponse response_;
  std::atomic<int> ready_ = 0;
  std::atomic<size_t> next_ = 0;
  std::promise<void> acknowledged_;
  std::promise<grpc::Status> done_;
};

// One call to the service that only counts: an acknowledgement after each message, unless one is
// on its way; then the next one tells more.
class CountingReactor final
    : public grpc::ServerBidiReactor<v1::PushEventsRequest, v1::PushEventsResponse> {
 public:
  explicit CountingReactor(std::shared_ptr<std::atomic<size_t>> total) : total_(std::move(total)) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      Count();
      Answer();
      return StartRead(&request_);
    }
    {
      MutexLock lock(mutex_);
      reading_done_ = true;
    }
    Answer();
  }
  void OnWriteDone(bool /*ok*/) override {
    {
      MutexLock lock(mutex_);
      writing_ = false;
    }
    Answer();
  }
  void OnDone() override { delete this; }

 private:
  void Count() EXCLUDES_LOCK(mutex_) {
    for (const v1::Event& event : request_.batch().events()) {
      samples_ += static_cast<size_t>(event.samples().values_size());
    }
    MutexLock lock(mutex_);
    if (request_.has_hello()) welcome_due_ = true;
    if (request_.has_batch()) {
      last_sequence_ = request_.batch().base_sequence() - 1 +
                       static_cast<uint64_t>(request_.batch().events_size());
    }
  }

  void Answer() EXCLUDES_LOCK(mutex_) {
    bool end = false;
    {
      MutexLock lock(mutex_);
      if (writing_) return;
      response_.Clear();
      if (welcome_due_) {
        welcome_due_ = false;
        response_.mutable_welcome()->set_window_events_max(UINT32_MAX);
      } else if (told_sequence_ < last_sequence_) {
        told_sequence_ = last_sequence_;
        response_.mutable_ack()->set_durable_sequence(told_sequence_);
      } else {
        end = reading_done_;
        if (!end) return;
      }
      writing_ = true;
    }
    if (!end) return StartWrite(&response_);
    *total_ = samples_;
    Finish(grpc::Status::OK);
  }

  const std::shared_ptr<std::atomic<size_t>> total_;
  v1::PushEventsRequest request_;
  size_t samples_ = 0;

  v1::PushEventsResponse response_;  // Of the thread that made `writing_` true.

  Mutex mutex_;
  bool welcome_due_ GUARDED_BY(mutex_) = false;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool reading_done_ GUARDED_BY(mutex_) = false;
  uint64_t last_sequence_ GUARDED_BY(mutex_) = 0;
  uint64_t told_sequence_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

SampleStream MakeSampleStream(const SampleStreamOptions& options) {
  CHECK(options.alerts <= kBatchEventsMax && options.alerts <= options.series);
  SampleStream stream;
  stream.options = options;
  const SeriesTable series = MakeSeries(options.series);
  MessageWriter writer(stream);
  const auto add = [&](SampleBatch batch) {
    batch.series = series;
    batch.received_time = batch.times.back();
    stream.samples += batch.size();
    writer.Add(std::move(batch));
    if (writer.events() == options.batches_per_message) writer.EndMessage();
  };
  SampleBatch batch;
  for (size_t scrape = 0; scrape < options.samples_per_series; ++scrape) {
    for (size_t i = 0; i < options.series; ++i) {
      batch.series_index.push_back(static_cast<uint32_t>(i));
      batch.times.push_back(TimeOf(options, i, scrape));
      batch.values.push_back(ValueOf(i, scrape));
      if (batch.size() == options.batch_samples) add(std::exchange(batch, {}));
    }
  }
  if (batch.size() > 0) add(std::move(batch));
  writer.EndMessage();
  for (size_t i = 0; i < options.alerts; ++i) writer.Add(MakeAlert(options, i));
  writer.EndMessage();
  return stream;
}

void CheckRow(const SampleStream& stream, const v1::JoinedRow& row) {
  const SampleStreamOptions& options = stream.options;
  const std::string& instance = row.transition().instance();
  const auto series = static_cast<size_t>(std::stoull(instance.substr(instance.find('-') + 1)));
  const size_t scrape = ScrapeOfAlerts(options);
  CHECK(row.match().state() == v1::MATCH_STATE_MATCHED);
  CHECK(row.match().value() == ValueOf(series, scrape));
  const auto time = DecodeTime(row.match().sample_time(), "sample_time");
  CHECK(time.ok() && *time == TimeOf(options, series, scrape));
}

void PushAll(const std::string& address, const SampleStream& stream) {
  Producer producer(address, stream);
  producer.WaitAcknowledged();
  producer.WaitDone();
}

grpc::ServerBidiReactor<v1::PushEventsRequest, v1::PushEventsResponse>*
CountingIngestService::PushEvents(grpc::CallbackServerContext* /*context*/) {
  return new CountingReactor(samples_);
}

}  // namespace alertjoin
