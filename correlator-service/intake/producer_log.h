#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "common/sync/mutex.h"
#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// How far the correlator has come with one log of one producer, and which stream may add to it.
// Two sequences: `accepted`, the last event handed to the pipeline, and `durable`, the last one
// that has been synced; durable <= accepted. Thread-safe. Held by shared_ptr: by the registry,
// by the stream, and by what is on its way through the pipeline, which may outlive the stream.
class ProducerLog {
 public:
  // Called on any thread without a lock held: by WakeStream, and when the stream has been fenced.
  // Must not block. May come once more while Detach is running.
  using Wake = std::function<void()>;
  using StreamId = uint64_t;

  // What a producer says in its hello.
  struct Offer {
    uint64_t epoch = 0;
    uint64_t first_sequence = 0;
    uint64_t next_sequence = 0;
    // What next_sequence was when the epoch began. 0: not told.
    uint64_t start_sequence = 0;
  };
  struct Attached {
    StreamId stream = 0;
    uint64_t durable_sequence = 0;
    // Events that the producer no longer holds and the correlator never had.
    uint64_t lost_events = 0;
  };
  enum class PushResult {
    kPushed,     // On its way; `durable` will advance the durable sequence.
    kQueueFull,  // Nothing moved from: try again.
    kFenced,     // The stream no longer owns the log; nothing moved from.
  };

  ProducerLog() = default;
  // One of which the log of an earlier process knows.
  ProducerLog(uint64_t epoch, uint64_t last_sequence)
      : known_(true), epoch_(epoch), accepted_(last_sequence), durable_(last_sequence) {}

  // Makes the stream the only one that may push. A stream of the same or a lower epoch that was
  // attached is fenced. On first contact the producer's first sequence is where the log starts.
  // FAILED_PRECONDITION: the producer holds less than was accepted from this log, or held less than
  // other epochs had brought when its own began (reason SEQUENCE_REWOUND); or the epoch is lower
  // than one seen before (FENCED). Nothing changed then.
  absl::StatusOr<Attached> Attach(const Offer& offer, Wake wake) EXCLUDES_LOCK(mutex_);
  // The stream is over. A stream that was fenced before changes nothing.
  void Detach(StreamId stream) EXCLUDES_LOCK(mutex_);
  bool IsAttached(StreamId stream) const EXCLUDES_LOCK(mutex_);
  // Whether a stream that is attached no more was fenced by streams of its own epoch alone: in
  // general the same process, which had given it up.
  bool WasReplaced(StreamId stream) const EXCLUDES_LOCK(mutex_);

  // Hands the events accepted + 1 to `last` to the sink, in order over all streams. The caller's
  // `batch.durable` must call MarkDurable(last) and then WakeStream. REQUIRES: `batch` holds
  // exactly these events.
  PushResult Push(StreamId stream, uint64_t last, IntakeBatch&& batch, EventSink& sink)
      EXCLUDES_LOCK(mutex_);
  // Every event up to `last` has been synced.
  void MarkDurable(uint64_t last) EXCLUDES_LOCK(mutex_);
  // Tells the attached stream, if there is one, to look again.
  void WakeStream() EXCLUDES_LOCK(mutex_);

  uint64_t accepted() const EXCLUDES_LOCK(mutex_);
  uint64_t durable() const EXCLUDES_LOCK(mutex_);
  // What may be acknowledged to that stream; nothing when it has been fenced, since what is durable
  // by then may be of another process.
  std::optional<uint64_t> DurableFor(StreamId stream) const EXCLUDES_LOCK(mutex_);

 private:
  absl::Status CheckNotRewound(const Offer& offer) const REQUIRES_LOCK(mutex_);

  // Held while the sink's TryPush runs (which neither waits nor calls back), so that two streams
  // of one log cannot overtake each other on the way into the queue.
  mutable Mutex mutex_;
  bool known_ GUARDED_BY(mutex_) = false;
  uint64_t epoch_ GUARDED_BY(mutex_) = 0;
  uint64_t accepted_ GUARDED_BY(mutex_) = 0;
  uint64_t durable_ GUARDED_BY(mutex_) = 0;
  StreamId streams_ GUARDED_BY(mutex_) = 0;
  StreamId owner_ GUARDED_BY(mutex_) = 0;  // 0: none.
  StreamId first_of_epoch_ GUARDED_BY(mutex_) = 0;
  Wake wake_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
