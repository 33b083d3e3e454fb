#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "alertjoin/v1/ingest_service.pb.h"
#include "common/event/event_encoder.h"
#include "common/event/event_limits.h"
#include "common/event/wire_writer.h"
#include "common/time/timestamp.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

// The producer's side of PushEvents without its transport: what to send next, and what an answer
// means. Lives over all streams; each Connect begins a new one. Not thread-safe. The spool must
// outlive it.
class UplinkSession {
 public:
  // Of one batch, as stored in the spool.
  static constexpr size_t kBatchRecordBytesMax = kSampleBatchBytesMax;

  struct Identity {
    std::string producer_id;
    std::string version;
  };
  // As it is sent. Events pass from the spool without being parsed; samples, which refer to what
  // the stream has defined, are encoded anew.
  struct Batch {
    std::string request;  // A serialised v1::PushEventsRequest.
    uint64_t events = 0;
  };
  // What an answer told.
  struct News {
    bool welcomed = false;
    // Newly acknowledged.
    uint64_t acked_events = 0;
    // The correlator has another store than before: what it had acknowledged is not there.
    bool store_changed = false;
    std::string store_id = {};  // Of a welcome.
    // Acknowledged before and no longer in the spool, but unknown to the correlator. What the
    // spool dropped unacknowledged is not among them.
    uint64_t missing_events = 0;
    // How long the correlator keeps samples, when the answer told.
    std::optional<Millis> sample_retention = {};
    // How soon the correlator gives a sign of life, when a welcome told.
    std::optional<Millis> heartbeat_interval = {};
  };

  UplinkSession(Spool& spool, Identity identity);

  // A new stream: forgets what concerned the last one, and gives its first message. REQUIRES: the
  // spool's epoch has begun.
  v1::Hello Connect();

  // Takes an answer; acknowledgements go to the spool. An error means that the two do not
  // understand each other, and ends the stream: FAILED_PRECONDITION, reason SEQUENCE_REWOUND, when
  // the correlator claims more than the spool ever held, INTERNAL for a breach of the protocol.
  absl::StatusOr<News> OnResponse(const v1::PushEventsResponse& response);

  // A batch of everything that waits, as much as fits into one and into the window; nothing when
  // there is nothing to send now. DATA_LOSS when the spool holds what cannot be read. An error of
  // which HasMetDrop is true when the spool has dropped what comes next: the correlator takes no
  // hole within a stream, but is told by the next hello where the spool begins.
  absl::StatusOr<std::optional<Batch>> NextBatch();
  static bool HasMetDrop(const absl::Status& status);
  // The end of a stream that says: the correlator knows other events by this log's id. The spool
  // was put back from an older copy, or another process sends from a copy. Under a new id, of which
  // the correlator knows nothing, everything that is held can be sent.
  static bool NeedsNewLogId(const absl::Status& status);
  // It is so because another stream has taken over: of another process, as a rule.
  static bool IsFenced(const absl::Status& status);

  // The sequence that the next batch begins with, while a stream is open.
  uint64_t next_to_send() const { return next_to_send_; }
  // Events that were sent over it and are not acknowledged.
  uint64_t in_flight() const;

 private:
  // Appends the event of a record as one of a batch.
  absl::Status AddEvent(std::string_view record, WireWriter& batch);
  absl::StatusOr<News> OnWelcome(const v1::Welcome& welcome);
  absl::StatusOr<uint64_t> Acknowledge(uint64_t durable_sequence);

  Spool& spool_;
  const Identity identity_;
  std::string store_id_;  // Of the last welcome.

  // Of the stream.
  std::optional<EventEncoder> encoder_;
  bool welcomed_ = false;
  uint64_t hello_first_ = 1;  // Where the spool began, as the correlator was told.
  uint64_t next_to_send_ = 0;
  uint64_t window_events_ = 0;
};

}  // namespace alertjoin
