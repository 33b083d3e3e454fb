#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alertjoin/v1/ingest_service.pb.h"
#include "common/event/event_codec.h"
#include "common/sync/mutex.h"
#include "correlator-service/intake/intake_metrics.h"
#include "correlator-service/intake/producer_registry.h"
#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// One stream of a producer, without its transport: what to make of each request, what to answer.
// The rules are those of ingest_service.proto.
//
// Two sides, each for one caller at a time, which may work at once: the reading side (OnRequest,
// PushPending, CanTakeRequest) and the answering side (Check, NextResponse, IsDrained). The
// registry, the sink and the metrics must outlive the session, the metrics up to Abandon only.
class IntakeSession {
 public:
  // Batches of one stream in the pipeline, and the window that follows.
  // Up to the lower number whatever their size, up to the higher one as long as they are small.
  static constexpr size_t kBatchesInFlightMin = 4;
  static constexpr size_t kBatchesInFlightMax = 512;
  static constexpr size_t kBytesInFlight = 8 << 20;
  static constexpr uint32_t kWindowEventsMax = 40'000;
  static constexpr size_t kSeriesPerStreamMax = 1'000'000;

  // `wake` is called on any thread, without a lock held, when there may be something to answer, to
  // push or to end. It must not block, and may come after the session's end.
  IntakeSession(ProducerRegistry& registry, EventSink& sink, std::string store_id,
                IntakeMetrics& metrics, std::function<void()> wake);
  ~IntakeSession();

  // Takes a request; its events that are new wait to be pushed. An error ends the stream: as stated
  // at PushEvents in the proto. REQUIRES: CanTakeRequest().
  absl::Status OnRequest(const v1::PushEventsRequest& request);
  // Hands over what waits. False: the pipeline is full, try again later. An error ends the stream:
  // FENCED, or what was wrong with the event behind those that have now been pushed.
  absl::StatusOr<bool> PushPending();
  // What waits will not be pushed any more. The last call of the reading side.
  void Abandon();
  // Nothing waits to be pushed, and few batches are in the pipeline.
  bool CanTakeRequest() const;

  // FAILED_PRECONDITION, reason FENCED, once another stream has taken over.
  absl::Status Check() const EXCLUDES_LOCK(mutex_);
  // Whether Check fails because of a newer stream of the same epoch: that is no fault.
  bool WasReplaced() const EXCLUDES_LOCK(mutex_);
  // Fills `response` with what is due: the welcome, or an acknowledgement. False: nothing.
  bool NextResponse(v1::PushEventsResponse* response) EXCLUDES_LOCK(mutex_);
  // Everything taken is durable.
  bool IsDrained() const { return in_flight_->batches.load() == 0; }
  // The hello has been taken.
  bool IsOpen() const EXCLUDES_LOCK(mutex_);

 private:
  struct Pending {
    std::vector<Event> events;
    size_t bytes = 0;  // Of all of the request.
    uint64_t last_sequence = 0;
    absl::Status then;  // What ends the stream once they are pushed.
  };

  absl::Status OnHello(const v1::Hello& hello) EXCLUDES_LOCK(mutex_);
  absl::Status OnBatch(const v1::EventBatch& batch) EXCLUDES_LOCK(mutex_);
  Pending Decode(const v1::EventBatch& batch, uint64_t accepted);

  ProducerRegistry& registry_;
  EventSink& sink_;
  const std::string store_id_;
  IntakeMetrics& metrics_;
  const std::function<void()> wake_;
  // Shared with the batches in the pipeline, which may outlive the session.
  struct InFlight {
    std::atomic<size_t> batches = 0;
    std::atomic<size_t> bytes = 0;
  };
  const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();

  // Reading side only.
  EventDecoder decoder_{kSeriesPerStreamMax};
  std::optional<Pending> pending_;

  mutable Mutex mutex_;
  std::shared_ptr<ProducerLog> log_ GUARDED_BY(mutex_);
  ProducerLog::StreamId stream_ GUARDED_BY(mutex_) = 0;
  ProducerPosition producer_ GUARDED_BY(mutex_);  // As the hello said; without a sequence.
  bool welcome_due_ GUARDED_BY(mutex_) = false;
  bool ack_again_ GUARDED_BY(mutex_) = false;
  uint64_t told_sequence_ GUARDED_BY(mutex_) = 0;  // By the welcome or an acknowledgement.
};

}  // namespace alertjoin
