#include "correlator-service/intake/intake_session.h"

#include <fmt/format.h>

#include <utility>

#include "common/event/event_limits.h"
#include "common/event/event_rules.h"
#include "common/log/log.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// No producer gets there, and sums with a batch's size stay in range.
constexpr uint64_t kSequenceMax = uint64_t{1} << 62;

absl::Status CheckIdentifier(const std::string& text, const std::string& field) {
  if (text.empty()) return MalformedEvent(field, "is required");
  if (text.size() <= kIdentifierBytesMax) return absl::OkStatus();
  return MalformedEvent(field,
                        fmt::format("has {} bytes, at most {}", text.size(), kIdentifierBytesMax));
}

absl::Status CheckHello(const v1::Hello& hello) {
  RETURN_IF_ERROR(CheckIdentifier(hello.producer_id(), "hello.producer_id"));
  RETURN_IF_ERROR(CheckIdentifier(hello.log_id(), "hello.log_id"));
  if (hello.epoch() == 0) return MalformedEvent("hello.epoch", "is required");
  if (hello.first_sequence() == 0) {
    return MalformedEvent("hello.first_sequence", "is required: sequences start at 1");
  }
  if (hello.next_sequence() < hello.first_sequence() || hello.next_sequence() > kSequenceMax) {
    return MalformedEvent("hello.next_sequence",
                          "must be at least first_sequence, and at most 2^62");
  }
  if (hello.start_sequence() > hello.next_sequence()) {
    return MalformedEvent("hello.start_sequence", "must be at most next_sequence");
  }
  return absl::OkStatus();
}

absl::Status CheckBatchSize(const v1::EventBatch& batch, size_t bytes) {
  const auto events = static_cast<size_t>(batch.events_size());
  if (events == 0) return MalformedEvent("batch.events", "must not be empty");
  if (events > kBatchEventsMax) {
    return MalformedEvent("batch.events",
                          fmt::format("has {} events, at most {}", events, kBatchEventsMax));
  }
  if (bytes > kBatchBytesMax) {
    return MalformedEvent("batch", fmt::format("has {} bytes, at most {}", bytes, kBatchBytesMax));
  }
  if (batch.base_sequence() == 0) {
    return MalformedEvent("batch.base_sequence", "is required: sequences start at 1");
  }
  return absl::OkStatus();
}

absl::Status Hole(uint64_t base, uint64_t expected) {
  const std::string where = std::to_string(expected);
  return MakeError(
      "SEQUENCE_HOLE",
      fmt::format("batch: starts at sequence {} and leaves a hole: go on with sequence {}", base,
                  where),
      {{}, {}, {{"expected_sequence", where}}});
}

absl::Status Fenced() {
  return MakeError("FENCED", "stream: fenced: another stream has taken over this log");
}

}  // namespace

IntakeSession::IntakeSession(ProducerRegistry& registry, EventSink& sink, std::string store_id,
                             IntakeMetrics& metrics, std::function<void()> wake)
    : registry_(registry),
      sink_(sink),
      store_id_(std::move(store_id)),
      metrics_(metrics),
      wake_(std::move(wake)) {}

IntakeSession::~IntakeSession() {
  MutexLock lock(mutex_);
  if (log_ != nullptr) log_->Detach(stream_);
}

absl::Status IntakeSession::OnRequest(const v1::PushEventsRequest& request) {
  CHECK(CanTakeRequest());
  const bool open = IsOpen();
  if (request.has_hello()) {
    return open ? MalformedEvent("hello", "must come once, first") : OnHello(request.hello());
  }
  if (!open) return MalformedEvent("hello", "must be the first message");
  if (request.has_batch()) return OnBatch(request.batch());
  return MalformedEvent("message", "one of hello, batch is required");
}

absl::Status IntakeSession::OnHello(const v1::Hello& hello) {
  RETURN_IF_ERROR(CheckHello(hello));
  ASSIGN_OR_RETURN(std::shared_ptr<ProducerLog> log,
                   registry_.Find(hello.producer_id(), hello.log_id()));
  const ProducerLog::Offer offer{hello.epoch(), hello.first_sequence(), hello.next_sequence(),
                                 hello.start_sequence()};
  ASSIGN_OR_RETURN(const ProducerLog::Attached attached, log->Attach(offer, wake_));
  const std::string producer = Excerpt(hello.producer_id());
  if (attached.lost_events > 0) {
    metrics_.lost.Increment(static_cast<double>(attached.lost_events));
    LogWarn("producer dropped events before it sent them",
            {{"producer", producer}, {"events", std::to_string(attached.lost_events)}});
  }
  LogInfo("producer connected", {{"producer", producer},
                                 {"version", Excerpt(hello.version())},
                                 {"durable_sequence", std::to_string(attached.durable_sequence)}});
  MutexLock lock(mutex_);
  log_ = std::move(log);
  producer_ = {hello.producer_id(), hello.log_id(), hello.epoch(), 0};
  stream_ = attached.stream;
  told_sequence_ = attached.durable_sequence;
  welcome_due_ = true;
  return absl::OkStatus();
}

absl::Status IntakeSession::OnBatch(const v1::EventBatch& batch) {
  const size_t bytes = batch.ByteSizeLong();
  RETURN_IF_ERROR(CheckBatchSize(batch, bytes));
  uint64_t accepted = 0;
  {
    MutexLock lock(mutex_);
    accepted = log_->accepted();
  }
  if (batch.base_sequence() > accepted + 1) return Hole(batch.base_sequence(), accepted + 1);
  Pending pending = Decode(batch, accepted);
  const auto decoded = static_cast<uint64_t>(batch.events_size());
  if (pending.then.ok()) {
    const uint64_t duplicates = decoded - pending.events.size();
    metrics_.duplicates.Increment(static_cast<double>(duplicates));
    if (duplicates > 0) {
      MutexLock lock(mutex_);
      ack_again_ = true;
    }
  }
  if (pending.events.empty()) return pending.then;
  pending.bytes = bytes;
  metrics_.stage.Begin(pending.events.size());
  pending_ = std::move(pending);
  return absl::OkStatus();
}

IntakeSession::Pending IntakeSession::Decode(const v1::EventBatch& batch, uint64_t accepted) {
  Pending pending;
  for (int i = 0; i < batch.events_size(); ++i) {
    const uint64_t sequence = batch.base_sequence() + static_cast<uint64_t>(i);
    // Duplicates, too: they may define series that later events refer to.
    auto event = decoder_.Decode(batch.events(i));
    if (!event.ok()) {
      pending.then = Annotate(event.status(), fmt::format("event {}", sequence));
      break;
    }
    if (sequence <= accepted) continue;
    pending.events.push_back(*std::move(event));
    pending.last_sequence = sequence;
  }
  return pending;
}

absl::StatusOr<bool> IntakeSession::PushPending() {
  if (!pending_.has_value()) return true;
  std::shared_ptr<ProducerLog> log;
  ProducerLog::StreamId stream = 0;
  IntakeBatch batch;
  {
    MutexLock lock(mutex_);
    log = log_;
    stream = stream_;
    batch.position = producer_;
  }
  const uint64_t last = pending_->last_sequence;
  const size_t events = pending_->events.size();
  batch.position.last_sequence = last;
  batch.bytes = pending_->bytes;
  batch.events = std::move(pending_->events);
  batch.durable = [log, last, bytes = batch.bytes, in_flight = in_flight_] {
    // In this order: whoever sees the stream drained also sees the last durable sequence.
    log->MarkDurable(last);
    in_flight->bytes.fetch_sub(bytes);
    in_flight->batches.fetch_sub(1);
    log->WakeStream();
  };
  in_flight_->batches.fetch_add(1);
  in_flight_->bytes.fetch_add(pending_->bytes);
  const auto result = log->Push(stream, last, std::move(batch), sink_);
  if (result == ProducerLog::PushResult::kPushed) {
    metrics_.events.Increment(static_cast<double>(events));
    metrics_.stage.Finish(events);
    const absl::Status then = pending_->then;
    pending_.reset();
    RETURN_IF_ERROR(then);
    return true;
  }
  in_flight_->batches.fetch_sub(1);
  in_flight_->bytes.fetch_sub(pending_->bytes);
  if (result == ProducerLog::PushResult::kFenced) return Fenced();
  // The sink has moved nothing from the batch: the events go back.
  pending_->events = std::move(batch.events);
  return false;
}

void IntakeSession::Abandon() {
  if (pending_.has_value()) metrics_.stage.Abandon(pending_->events.size());
  pending_.reset();
}

bool IntakeSession::CanTakeRequest() const {
  if (pending_.has_value()) return false;
  const size_t batches = in_flight_->batches.load();
  if (batches < kBatchesInFlightMin) return true;
  return batches < kBatchesInFlightMax && in_flight_->bytes.load() < kBytesInFlight;
}

absl::Status IntakeSession::Check() const {
  MutexLock lock(mutex_);
  if (log_ != nullptr && !log_->IsAttached(stream_)) return Fenced();
  return absl::OkStatus();
}

bool IntakeSession::WasReplaced() const {
  MutexLock lock(mutex_);
  return log_ != nullptr && log_->WasReplaced(stream_);
}

bool IntakeSession::NextResponse(v1::PushEventsResponse* response) {
  MutexLock lock(mutex_);
  if (log_ == nullptr) return false;
  if (welcome_due_) {
    welcome_due_ = false;
    v1::Welcome* welcome = response->mutable_welcome();
    welcome->set_durable_sequence(told_sequence_);
    welcome->set_store_id(store_id_);
    welcome->set_window_events_max(kWindowEventsMax);
    return true;
  }
  const std::optional<uint64_t> durable = log_->DurableFor(stream_);
  if (!durable.has_value()) return false;  // Fenced since Check.
  if (*durable <= told_sequence_ && !ack_again_) return false;
  ack_again_ = false;
  told_sequence_ = *durable;
  response->mutable_ack()->set_durable_sequence(*durable);
  return true;
}

bool IntakeSession::IsOpen() const {
  MutexLock lock(mutex_);
  return log_ != nullptr;
}

}  // namespace alertjoin
