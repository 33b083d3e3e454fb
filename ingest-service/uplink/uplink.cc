#include "ingest-service/uplink/uplink.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "common/net/grpc_status.h"
#include "common/status/status.h"
#include "common/sync/thread.h"
#include "ingest-service/uplink/uplink_call.h"

namespace alertjoin {
namespace {

// A stream that lasted this long was a good one, whatever ended it.
constexpr std::chrono::seconds kGoodStream(30);
// How often another connection is tried, and for how long at a time the mail waits for it.
constexpr std::chrono::seconds kOtherConnection(1);
constexpr std::chrono::milliseconds kOtherConnectionSlice(20);
constexpr int kDoubtsMax = 5;
// For a call that has been cancelled: gRPC ends it without waiting for the peer.
constexpr std::chrono::hours kUnlimited(24);

std::chrono::steady_clock::time_point Now() { return std::chrono::steady_clock::now(); }

absl::Status EndOf(const grpc::Status& status) {
  if (status.ok()) return absl::UnavailableError("the correlator closed the stream");
  return FromGrpcStatus(status);
}

}  // namespace

struct Uplink::Stream {
  Stream(const GrpcClient& client, std::shared_ptr<UplinkMailbox> mailbox)
      : call(client, std::move(mailbox)), start(Now()) {}

  void Release() {
    doubt = Steady::max();
    if (!std::exchange(released, true)) call.Release();
  }

  UplinkCall call;
  const Steady start;
  Steady deadline;
  Steady doubt = Steady::max();          // When there is one, without an answer.
  std::optional<Millis> answers_within;  // Two of the heartbeats that the welcome told of.
  std::optional<GrpcClient> other;       // That is tried.
  Steady other_until;
  bool other_made = false;
  bool writing = false;
  bool released = false;  // Nothing more is started.
  absl::Status end;       // Why it was ended from this side.
};

std::string_view ToString(UplinkState state) {
  switch (state) {
    case UplinkState::kIdle:
      return "idle";
    case UplinkState::kConnecting:
      return "connecting";
    case UplinkState::kStreaming:
      return "streaming";
    case UplinkState::kBackingOff:
      return "backing off";
    case UplinkState::kStopped:
      return "stopped";
  }
  return "unknown";
}

Uplink::Uplink(UplinkOptions options, Spool& spool, const Clock& clock,
               prometheus::Registry& registry)
    : options_(std::move(options)),
      spool_(spool),
      clock_(clock),
      mailbox_(std::make_shared<UplinkMailbox>()),
      metrics_(registry, options_.lane),
      session_(spool, {options_.producer_id, options_.version}),
      backoff_(options_.backoff_initial, options_.backoff_cap, std::random_device{}()),
      certificate_(options_.client.cert_file, registry),
      failure_log_(kLogInterval) {
  spool.SetAppendListener([mailbox = mailbox_] { mailbox->PostAppended(); });
}

Uplink::~Uplink() { Stop(); }

void Uplink::Start() {
  CHECK(!thread_.joinable());
  thread_ = StartThread("uplink", [this] { Run(); });
}

void Uplink::Stop() {
  mailbox_->PostStop();
  if (thread_.joinable()) thread_.join();
}

bool Uplink::WaitConnected(std::chrono::steady_clock::time_point deadline) {
  MutexLock lock(state_mutex_);
  while (!connected()) {
    if (!state_changed_.WaitUntil(state_mutex_, deadline)) return connected();
  }
  return true;
}

void Uplink::Run() {
  for (bool first = true; !mailbox_->stopping(); first = false) {
    if (!first) metrics_.reconnects.Increment();
    SetState(UplinkState::kConnecting, options_.address);
    const absl::Status end = RunStream();
    metrics_.stage.SetInProgress(0);
    if (mailbox_->stopping()) break;
    if (UplinkSession::HasMetDrop(end)) {
      // No fault of the correlator, so no delay; and rare, for the spool drops many events at once.
      metrics_.drops_met.Increment();
      continue;
    }
    metrics_.CountError(end);
    const bool by_own_hello =
        UplinkSession::IsFenced(end) && std::exchange(hello_may_come_late_, false);
    if (UplinkSession::NeedsNewLogId(end) && !by_own_hello) RenameLog(end);
    if (made_.has_value()) {
      SetState(UplinkState::kBackingOff, MessageOf(end));
      continue;
    }
    const Millis delay = backoff_.Next();
    SetState(UplinkState::kBackingOff, MessageOf(end));
    mailbox_->WaitForStopBefore(Now() + delay);
  }
  SetState(UplinkState::kStopped, "");
}

void Uplink::RenameLog(const absl::Status& why) {
  const std::string before = spool_.log_id();
  const LogField lane{"lane", options_.lane};
  if (const absl::Status status = spool_.Rename(); !status.ok()) {
    LogWarn("the spool cannot be given a new log id", {lane, {"reason", MessageOf(status)}});
    return;
  }
  metrics_.new_log_ids.Increment();
  LogWarn(
      "the spool's log id stands for other events at the correlator: an older copy of the spool "
      "was put back, or another process runs on a copy: what it holds is sent under a new log id",
      {lane, {"from", before}, {"to", spool_.log_id()}, {"reason", MessageOf(why)}});
}

absl::Status Uplink::RunStream() {
  std::optional<GrpcClient> client = std::exchange(made_, std::nullopt);
  certificate_.Look(Now());
  RETURN_IF_ERROR(spool_.BeginEpoch(clock_.Now()));
  if (!client.has_value()) {
    ASSIGN_OR_RETURN(client, ConnectGrpc(options_.address, options_.client));
  }
  Stream stream(*client, mailbox_);
  stream.deadline = Now() + options_.welcome_timeout;
  ExpectAnswer(stream, Millis(0));
  v1::PushEventsRequest hello;
  *hello.mutable_hello() = session_.Connect();
  stream.writing = true;
  stream.call.Write(hello.SerializeAsString());
  stream.call.Read();
  for (;;) {
    const UplinkMailbox::Mail mail = mailbox_->WaitBefore(std::min(stream.deadline, stream.doubt));
    if (mail.done.has_value()) {
      if (Now() - stream.start > kGoodStream) {
        backoff_.Reset();
        doubts_ = 0;
        hello_may_come_late_ = false;
      }
      return stream.end.ok() ? EndOf(*mail.done) : stream.end;
    }
    if (mailbox_->stopping()) EndStream(stream, absl::CancelledError("stopping"));
    if (Now() >= stream.deadline) OnDeadline(stream);
    if (mail.read.has_value()) OnRead(stream, *mail.read);
    if (mail.write.has_value()) OnWritten(stream, *mail.write);
    SendNext(stream);
    certificate_.Look(Now());
    if (Now() >= stream.doubt) TryOtherConnection(stream);
  }
}

void Uplink::OnRead(Stream& stream, bool ok) {
  if (!ok) return stream.Release();
  if (stream.released) return;
  stream.deadline = Now() + options_.silence_max;
  if (Now() - stream.start > kGoodStream) doubts_ = 0;
  const auto news = session_.OnResponse(stream.call.response());
  if (!news.ok()) return EndStream(stream, news.status());
  if (news->heartbeat_interval > Millis(0)) {
    stream.answers_within = 2 * std::min(*news->heartbeat_interval, options_.silence_max);
  }
  ExpectAnswer(stream, stream.answers_within);
  Report(*news);
  stream.call.Read();
}

void Uplink::OnWritten(Stream& stream, bool ok) {
  stream.writing = false;
  if (!ok) stream.Release();
}

void Uplink::SendNext(Stream& stream) {
  if (stream.released || stream.writing) return;
  const auto batch = session_.NextBatch();
  if (!batch.ok()) return EndStream(stream, batch.status());
  if (!batch->has_value()) return;
  metrics_.sent_events.Increment(static_cast<double>((*batch)->events));
  metrics_.stage.CountIn((*batch)->events);
  metrics_.stage.SetInProgress(session_.in_flight());
  stream.writing = true;
  stream.call.Write((*batch)->request);
}

void Uplink::ExpectAnswer(Stream& stream, std::optional<Millis> within) {
  stream.other.reset();
  stream.other_made = false;
  stream.doubt = within.has_value()
                     ? Now() + (*within + options_.doubt) * (1 << std::min(doubts_, kDoubtsMax))
                     : Steady::max();  // It may be silent for long.
}

void Uplink::TryOtherConnection(Stream& stream) {
  if (stream.other_made) {
    // What has come meanwhile was looked at.
    made_ = std::exchange(stream.other, std::nullopt);
    ++doubts_;
    hello_may_come_late_ = true;
    return EndStream(stream, absl::UnavailableError(fmt::format(
                                 "the correlator at {} does not answer here, and takes a new "
                                 "connection: this one is given up",
                                 options_.address)));
  }
  if (!stream.other.has_value() || Now() >= stream.other_until) {
    auto client = ConnectGrpc(options_.address, options_.client);
    if (!client.ok()) {
      stream.doubt = Now() + kOtherConnection;
      return;
    }
    stream.other = *std::move(client);
    stream.other_until = Now() + kOtherConnection;
  }
  stream.other_made = stream.other->channel->WaitForConnected(std::chrono::system_clock::now() +
                                                              kOtherConnectionSlice);
}

void Uplink::OnDeadline(Stream& stream) {
  hello_may_come_late_ = true;
  EndStream(stream, absl::DeadlineExceededError(
                        fmt::format("no answer from the correlator at {} in time: it, or the "
                                    "network to it, hangs",
                                    options_.address)));
}

void Uplink::EndStream(Stream& stream, const absl::Status& status) {
  if (!stream.end.ok()) return;
  stream.end = status;
  stream.deadline = Now() + kUnlimited;
  stream.call.Cancel();
  stream.Release();
}

void Uplink::Report(const UplinkSession::News& news) {
  metrics_.acked_events.Increment(static_cast<double>(news.acked_events));
  metrics_.stage.CountOut(news.acked_events);
  metrics_.stage.SetInProgress(session_.in_flight());
  metrics_.missing_events.Increment(static_cast<double>(news.missing_events));
  // Only progress counts as success: a stream may be welcomed and still end at its first batch.
  if (news.acked_events > 0) backoff_.Reset();
  if (news.welcomed) {
    sample_retention_ms_ = news.sample_retention ? news.sample_retention->count() : kNotTold;
  }
  if (news.welcomed && options_.store != nullptr) {
    options_.store->Welcome(news.store_id, news.missing_events > 0);
  }
  if (news.welcomed) SetState(UplinkState::kStreaming, options_.address);
  if (news.store_changed) {
    metrics_.store_changes.Increment();
    LogWarn("the correlator came back with another store: it gets what the spool still holds",
            {{"lane", options_.lane}});
  }
  if (news.missing_events > 0) {
    LogWarn("events acknowledged before are unknown to the correlator and no longer in the spool",
            {{"lane", options_.lane}, {"events", std::to_string(news.missing_events)}});
  }
}

void Uplink::SetState(UplinkState state, const std::string& reason) {
  UplinkState before = UplinkState::kIdle;
  {
    MutexLock lock(state_mutex_);
    before = state_.exchange(state);
  }
  state_changed_.NotifyAll();
  metrics_.connected.Set(state == UplinkState::kStreaming ? 1 : 0);
  const LogField from{"from", std::string(ToString(before))};
  const LogField to{"to", std::string(ToString(state))};
  const LogField lane{"lane", options_.lane};
  const LogField why{"reason", reason};
  if (state == UplinkState::kBackingOff) {
    if (before == UplinkState::kStreaming || failure_log_.Allow()) {
      LogWarn("uplink has no stream to the correlator", {lane, from, to, why});
    }
  } else if (state == UplinkState::kConnecting) {
    LogDebug("uplink", {lane, from, to, why});
  } else {
    LogInfo("uplink", {lane, from, to, why});
  }
}

}  // namespace alertjoin
