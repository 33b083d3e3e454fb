#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "alertjoin/v1/ingest_service.grpc.pb.h"
#include "common/net/grpc_callers.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "correlator-service/intake/intake_metrics.h"
#include "correlator-service/intake/intake_stream.h"
#include "correlator-service/intake/producer_registry.h"
#include "correlator-service/pipeline/event_sink.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

// Streams that may be open at once, those without a hello included.
constexpr size_t kIntakeStreamsMax = 1'000;

struct IntakeOptions {
  // A stream without another answer gets a heartbeat after this.
  Millis heartbeat_interval{500};
  // What producers are told of how long samples are kept.
  std::optional<Millis> sample_retention = std::nullopt;
  // Who calls, and may go on; null: everyone may. Must outlive the service.
  GrpcCallers* callers = nullptr;
};

// Serves IngestService.PushEvents. Knows each producer's log for as long as it lives, and those
// that it is told of; of any other one it starts with what the producer still holds. Thread-safe.
//
// Stopping, in this order: Stop, which ends all streams; shutdown of the gRPC server; stop of the
// sink; destruction. The sink may call what it was given (`durable`) even after the destruction.
// Everything handed to the constructor must outlive the service.
class IngestServiceImpl final
    : public v1::IngestService::WithRawCallbackMethod_PushEvents<v1::IngestService::Service> {
 public:
  IngestServiceImpl(EventSink& sink, std::string store_id, const Clock& clock,
                    prometheus::Registry& registry, IntakeOptions options = {});
  ~IngestServiceImpl() override;  // Stops.

  // What an earlier process knew of its producers. REQUIRES: no stream has come yet.
  void Restore(const std::vector<ProducerPosition>& positions) { producers_.Restore(positions); }

  // What producers are told from their next welcome on.
  void SetSampleRetention(Millis retention) { sample_retention_ms_ = retention.count(); }

  // Ends all streams, and those that come later, with UNAVAILABLE, reason STOPPING. Idempotent.
  void Stop() EXCLUDES_LOCK(mutex_);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* PushEvents(
      grpc::CallbackServerContext* context) override EXCLUDES_LOCK(mutex_);

 private:
  // The thread that sends heartbeats and offers again what found the pipeline full.
  void RunTimer() EXCLUDES_LOCK(mutex_);
  void Poke() EXCLUDES_LOCK(mutex_);
  std::vector<std::shared_ptr<IntakeStream>> LiveStreams() EXCLUDES_LOCK(mutex_);
  absl::Status Register(const std::shared_ptr<IntakeStream>& stream) EXCLUDES_LOCK(mutex_);

  EventSink& sink_;
  const std::string store_id_;
  const Clock& clock_;
  const IntakeOptions options_;
  std::atomic<int64_t> sample_retention_ms_;  // 0: not told.
  IntakeMetrics metrics_;
  ProducerRegistry producers_;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool poked_ GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<IntakeStream>> streams_ GUARDED_BY(mutex_);
  std::thread timer_;
};

}  // namespace alertjoin
