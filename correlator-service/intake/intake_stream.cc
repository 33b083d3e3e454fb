#include "correlator-service/intake/intake_stream.h"

#include <fmt/format.h>
#include <google/protobuf/arena.h>

#include <algorithm>

#include "alertjoin/v1/ingest_service.pb.h"
#include "common/event/event_codec.h"
#include "common/event/event_rules.h"
#include "common/log/log.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kHelloTimeout(10);
// How long a batch waits for room in the pipeline before it is offered again.
constexpr std::chrono::milliseconds kPushRetryInterval(20);
constexpr std::chrono::seconds kPermitInterval(1);
// Of the arena of one request. A large request takes several blocks of the larger size.
constexpr size_t kArenaFirstBytes = 4 << 10;
constexpr size_t kArenaBlockBytesMax = 256 << 10;

google::protobuf::ArenaOptions ArenaOfRequest() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = kArenaFirstBytes;
  options.max_block_size = kArenaBlockBytesMax;
  return options;
}

// `parsed`: as far as it could be.
absl::Status NotParsed(uint64_t number, size_t bytes, const v1::PushEventsRequest& parsed) {
  const absl::Status status =
      MalformedEvent("message", fmt::format("number {} of the stream, of {} bytes, is no "
                                            "alertjoin.v1.PushEventsRequest: it cannot be parsed",
                                            number, bytes));
  const auto events = static_cast<uint64_t>(parsed.batch().events_size());
  if (events == 0) return status;
  return Annotate(status, fmt::format("event {}", parsed.batch().base_sequence() + events - 1));
}

}  // namespace

std::shared_ptr<IntakeStream> IntakeStream::Make(const Context& context) {
  std::shared_ptr<IntakeStream> stream(new IntakeStream(context));
  stream->self_ = stream;
  stream->session_.emplace(context.registry, context.sink, context.store_id, context.metrics,
                           [weak = stream->weak_from_this()] {
                             if (const auto alive = weak.lock()) alive->Pump();
                           });
  return stream;
}

IntakeStream::IntakeStream(const Context& context)
    : context_(context),
      hello_deadline_(std::chrono::steady_clock::now() + kHelloTimeout),
      heartbeat_time_(std::chrono::steady_clock::now() + context.heartbeat_interval) {
  context_.metrics.streams.Increment();
}

// Nothing of the context is used from here on: a late wake may own the last reference.
IntakeStream::~IntakeStream() = default;

void IntakeStream::End(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (end_.ok()) end_ = status;
  }
  Pump();
}

IntakeStream::Steady IntakeStream::Tick(Steady now) {
  const bool open = session_->IsOpen();
  bool due = false;
  bool silent = false;
  bool asks = false;
  {
    MutexLock lock(mutex_);
    silent = !open && now >= hello_deadline_;
    if (now >= heartbeat_time_) {
      heartbeat_due_ = open;
      heartbeat_time_ = now + context_.heartbeat_interval;
    }
    asks = context_.permit && now >= permit_time_;
    if (asks) permit_time_ = now + kPermitInterval;
    due = heartbeat_due_ || now >= push_retry_time_;
  }
  if (silent) End(absl::DeadlineExceededError("stream: no hello came in time: send one first"));
  if (asks) {
    if (const absl::Status status = context_.permit(); !status.ok()) End(status);
  }
  if (due) Pump();
  MutexLock lock(mutex_);
  if (finished_ || silent) return Steady::max();
  if (!end_.ok()) push_retry_time_ = Steady::max();  // Nothing is pushed any more.
  Steady next = std::min(heartbeat_time_, push_retry_time_);
  if (context_.permit) next = std::min(next, permit_time_);
  return open ? next : std::min(next, hello_deadline_);
}

void IntakeStream::OnReadDone(bool ok) {
  absl::Status status;
  if (ok) status = OnRequest();
  {
    MutexLock lock(mutex_);
    reading_ = false;
    half_closed_ = half_closed_ || !ok;
    if (end_.ok()) end_ = status;
  }
  Pump();
}

absl::Status IntakeStream::OnRequest() {
  google::protobuf::Arena arena(ArenaOfRequest());
  auto* const request = google::protobuf::Arena::CreateMessage<v1::PushEventsRequest>(&arena);
  const size_t bytes = request_.Length();
  ++requests_;
  const bool is_parsed = FromBytes(request_, request);
  request_.Clear();
  return is_parsed ? session_->OnRequest(*request) : NotParsed(requests_, bytes, *request);
}

void IntakeStream::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok && end_.ok()) end_ = absl::CancelledError("stream: broken while answering");
  }
  Pump();
}

void IntakeStream::OnCancel() { End(absl::CancelledError("stream: cancelled by the producer")); }

void IntakeStream::OnDone() {
  session_->Abandon();
  context_.metrics.streams.Decrement();
  self_.reset();
}

void IntakeStream::Pump() {
  {
    MutexLock lock(mutex_);
    pump_again_ = true;
    if (pumping_) return;
    pumping_ = true;
  }
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!pump_again_ || finished_) {
        pumping_ = false;
        return;
      }
      pump_again_ = false;
    }
    Step();
  }
}

void IntakeStream::Step() {
  PushAndRead();
  AnswerOrFinish();
}

void IntakeStream::PushAndRead() {
  {
    MutexLock lock(mutex_);
    if (reading_ || !end_.ok()) return;
  }
  const absl::StatusOr<bool> pushed = session_->PushPending();
  const bool full = pushed.ok() && !*pushed;
  const bool wants_more = pushed.ok() && session_->CanTakeRequest();
  bool full_before = false;
  bool read = false;
  {
    MutexLock lock(mutex_);
    full_before = push_retry_time_ != Steady::max();
    push_retry_time_ = full ? std::chrono::steady_clock::now() + kPushRetryInterval : Steady::max();
    if (end_.ok()) end_ = pushed.status();
    read = wants_more && end_.ok() && !half_closed_;
    reading_ = read;
  }
  if (full && !full_before) {
    context_.metrics.queue_full.Increment();
    context_.poke();
  }
  if (read) StartRead(&request_);
}

void IntakeStream::AnswerOrFinish() {
  const absl::Status fenced = session_->Check();
  // In this order: what is applied after the second question is answered in the next round.
  const bool drained = session_->IsDrained();
  absl::Status end;
  bool heartbeat = false;
  bool done = false;
  bool was_told = false;
  {
    MutexLock lock(mutex_);
    if (end_.ok()) end_ = fenced;
    if (writing_) return;
    end = end_;
    done = half_closed_ && drained && !reading_ && push_retry_time_ == Steady::max();
    heartbeat = heartbeat_due_;
    was_told = was_told_;
  }
  if (!end.ok()) return FinishWith(end);
  v1::PushEventsResponse response;
  bool last = false;
  if (!session_->NextResponse(&response)) {
    // A stream that was broken off looks like one whose producer has said all, but for this: it
    // takes no more messages. So there is a last one, and the end is good when that was taken.
    last = done && session_->IsOpen() && !was_told;
    if (done && !last) return FinishWith(absl::OkStatus());
    if (!heartbeat && !last) return;
    *response.mutable_heartbeat()->mutable_send_time() = EncodeTime(context_.clock.Now());
  }
  if (response.has_welcome()) {
    *response.mutable_welcome()->mutable_heartbeat_interval() =
        EncodeSpan(context_.heartbeat_interval);
  }
  if (response.has_welcome() && context_.sample_retention.has_value()) {
    *response.mutable_welcome()->mutable_sample_retention() =
        EncodeSpan(*context_.sample_retention);
  }
  {
    MutexLock lock(mutex_);
    writing_ = true;
    was_told_ = last;
    heartbeat_due_ = false;
    heartbeat_time_ = std::chrono::steady_clock::now() + context_.heartbeat_interval;
  }
  response_ = ToBytes(response);
  StartWrite(&response_);
}

void IntakeStream::FinishWith(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    finished_ = true;
  }
  const bool ours = !status.ok() && !absl::IsCancelled(status) && !absl::IsUnavailable(status);
  // Who was let in once and no longer is: nothing that the producer has sent.
  const bool revoked = absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
  if (ours && session_->WasReplaced()) {
    LogInfo("producer's stream replaced by a newer one of its own", {{"error", MessageOf(status)}});
  } else if (revoked) {
    LogWarn("producer's stream ended: it may push no longer", {{"error", MessageOf(status)}});
  } else if (ours) {
    context_.metrics.CountRefusal(status);
    LogWarn("producer's stream ended", {{"error", MessageOf(status)}});
  }
  Finish(ToGrpcStatus(status));
}

}  // namespace alertjoin
