#include "correlator-service/intake/ingest_service_impl.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"
#include "common/sync/thread.h"

namespace alertjoin {
namespace {

constexpr char kPushEvents[] = "/alertjoin.v1.IngestService/PushEvents";

// The end of a call that may not begin.
class Refusal final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

absl::Status Stopping() {
  return MakeError("STOPPING",
                   "intake: the correlator is stopping: connect again and "
                   "go on from the welcome");
}

}  // namespace

IngestServiceImpl::IngestServiceImpl(EventSink& sink, std::string store_id, const Clock& clock,
                                     prometheus::Registry& registry, IntakeOptions options)
    : sink_(sink),
      store_id_(std::move(store_id)),
      clock_(clock),
      options_(options),
      sample_retention_ms_(options.sample_retention.value_or(Millis(0)).count()),
      metrics_(registry),
      timer_(StartThread("push-timer", [this] { RunTimer(); })) {
  if (options.callers != nullptr) {
    options.callers->KeepsDoor(v1::IngestService::service_full_name());
  }
}

IngestServiceImpl::~IngestServiceImpl() {
  Stop();
  timer_.join();
}

void IngestServiceImpl::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (const auto& stream : LiveStreams()) stream->End(Stopping());
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* IngestServiceImpl::PushEvents(
    grpc::CallbackServerContext* context) {
  std::optional<Millis> retention;
  if (const int64_t ms = sample_retention_ms_; ms > 0) retention = Millis(ms);
  absl::StatusOr<SharedAdmission> caller = SharedAdmission();
  if (options_.callers != nullptr) caller = options_.callers->Admit(*context, kPushEvents);
  if (!caller.ok()) return new Refusal(caller.status());
  std::function<absl::Status()> permit;
  if (*caller != nullptr) permit = [held = *caller] { return held->Check(); };
  const auto stream = IntakeStream::Make({producers_, sink_, metrics_, clock_, store_id_,
                                          options_.heartbeat_interval, retention,
                                          [this] { Poke(); }, std::move(permit)});
  if (const absl::Status status = Register(stream); !status.ok()) {
    stream->End(status);
  } else {
    stream->Start();
    Poke();
  }
  return stream.get();
}

absl::Status IngestServiceImpl::Register(const std::shared_ptr<IntakeStream>& stream) {
  MutexLock lock(mutex_);
  if (stopping_) return Stopping();
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  if (streams_.size() >= kIntakeStreamsMax) {
    return MakeError(
        "TOO_MANY_PRODUCERS",
        fmt::format("intake: {} streams are open, no more are taken", kIntakeStreamsMax));
  }
  streams_.push_back(stream);
  return absl::OkStatus();
}

std::vector<std::shared_ptr<IntakeStream>> IngestServiceImpl::LiveStreams() {
  std::vector<std::shared_ptr<IntakeStream>> live;
  MutexLock lock(mutex_);
  for (const auto& weak : streams_) {
    if (auto stream = weak.lock()) live.push_back(std::move(stream));
  }
  return live;
}

void IngestServiceImpl::Poke() {
  {
    MutexLock lock(mutex_);
    poked_ = true;
  }
  changed_.NotifyAll();
}

void IngestServiceImpl::RunTimer() {
  for (;;) {
    auto next = IntakeStream::Steady::max();
    for (const auto& stream : LiveStreams()) {
      next = std::min(next, stream->Tick(std::chrono::steady_clock::now()));
    }
    MutexLock lock(mutex_);
    while (!stopping_ && !poked_) {
      // A wait until the end of time overflows in some implementations.
      if (next == IntakeStream::Steady::max()) {
        changed_.Wait(mutex_);
      } else if (!changed_.WaitUntil(mutex_, next)) {
        break;
      }
    }
    if (stopping_) return;
    poked_ = false;
  }
}

}  // namespace alertjoin
