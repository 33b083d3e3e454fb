#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "common/net/backoff.h"
#include "common/net/grpc_channel.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "ingest-service/spool/spool.h"
#include "ingest-service/uplink/certificate_watch.h"
#include "ingest-service/uplink/correlator_store.h"
#include "ingest-service/uplink/uplink_metrics.h"
#include "ingest-service/uplink/uplink_session.h"

namespace prometheus {
class Registry;
}

namespace alertjoin {

class UplinkCall;
class UplinkMailbox;

struct UplinkOptions {
  std::string address;               // host:port of the correlator.
  GrpcClientOptions client;          // How it is spoken to.
  std::string producer_id;           // Unique among the producers of the correlator.
  std::string version;               // For the correlator's log.
  std::string lane;                  // Of the spool: a label of the metrics.
  CorrelatorStore* store = nullptr;  // Is told of each welcome; must outlive it. Null: nobody is.
  Millis backoff_initial{100};
  Millis backoff_cap{1'000};
  Millis welcome_timeout{10'000};  // For the connection and the first answer.
  Millis silence_max{20'000};      // Without any answer, after which the stream is given up.
  // Without the welcome, or without an answer for as long beyond two heartbeats: from then on it is
  // tried whether another connection can be made. As soon as one is, the stream is given up.
  Millis doubt{500};
};

enum class UplinkState {
  kIdle,        // Not started.
  kConnecting,  // Waits for the welcome.
  kStreaming,   // The correlator takes events.
  kBackingOff,  // Waits before it connects again.
  kStopped,     // For good.
};
std::string_view ToString(UplinkState state);

// Carries the spool's events to the correlator and its acknowledgements back, on one thread of its
// own. Connects again for ever, with exponential backoff and jitter; at once when the spool has
// dropped what was to be sent next, so that a new hello says where it begins now. Where the
// correlator has taken other events under the spool's log id, it gives the spool a new one, and
// sends everything that is there. Thread-safe but for Start and Stop, which one thread calls.
//
// A network that loses what it is given, and one day does so no more, leaves connections behind
// that look well and are dead. So an answer that is overdue puts the stream in doubt: once a second
// a new connection is tried beside it, and the first one that is made takes over, within some 2 s
// of the network's recovery; where none is made within a second, silence_max and welcome_timeout
// decide. Whenever the new stream is in doubt as well, soon after, the next doubt takes twice as
// long to come.
//
// Sets the spool's append listener: construct it before the first append. The spool, the clock and
// the registry must outlive it.
class Uplink {
 public:
  Uplink(UplinkOptions options, Spool& spool, const Clock& clock, prometheus::Registry& registry);
  ~Uplink();  // Stops.

  // REQUIRES: called once.
  void Start();
  // Ends the stream and waits for the thread, promptly. What is not acknowledged stays in the
  // spool. Idempotent.
  void Stop();

  // The correlator takes events.
  bool connected() const { return state_.load() == UplinkState::kStreaming; }
  UplinkState state() const { return state_.load(); }
  // Waits until the correlator takes events. False when the deadline has passed before.
  bool WaitConnected(std::chrono::steady_clock::time_point deadline) EXCLUDES_LOCK(state_mutex_);
  // How long the correlator keeps samples, as its newest welcome told. None: it has not.
  std::optional<Millis> sample_retention() const {
    const int64_t ms = sample_retention_ms_.load();
    return ms == kNotTold ? std::nullopt : std::optional(Millis(ms));
  }

 private:
  static constexpr int64_t kNotTold = -1;
  using Steady = std::chrono::steady_clock::time_point;
  struct Stream;

  void Run();
  // One stream from its beginning to its end, which the status tells.
  absl::Status RunStream();
  void OnRead(Stream& stream, bool ok);
  void OnWritten(Stream& stream, bool ok);
  void SendNext(Stream& stream);
  void OnDeadline(Stream& stream);
  // The next answer is due within this time, if there is one.
  void ExpectAnswer(Stream& stream, std::optional<Millis> within);
  // Tries another connection for a moment.
  void TryOtherConnection(Stream& stream);
  // Ends the stream from this side.
  void EndStream(Stream& stream, const absl::Status& status);
  void Report(const UplinkSession::News& news);
  // `why`: the end of the last stream.
  void RenameLog(const absl::Status& why);
  void SetState(UplinkState state, const std::string& reason);

  const UplinkOptions options_;
  Spool& spool_;
  const Clock& clock_;
  const std::shared_ptr<UplinkMailbox> mailbox_;
  UplinkMetrics metrics_;
  std::atomic<UplinkState> state_ = UplinkState::kIdle;
  std::atomic<int64_t> sample_retention_ms_ = kNotTold;
  Mutex state_mutex_;  // Of those who wait for a state.
  CondVar state_changed_;
  std::thread thread_;

  // The thread of the uplink only.
  UplinkSession session_;
  Backoff backoff_;
  CertificateWatch certificate_;
  // A connection that was made while a stream was in doubt, for the next one.
  std::optional<GrpcClient> made_;
  int doubts_ = 0;  // Streams given up for another connection since the last good one.
  // A stream was given up without an answer: its hello may reach the correlator later than that of
  // the next stream, which is fenced by it then, and not by a copy of the spool.
  bool hello_may_come_late_ = false;
  LogLimiter failure_log_;
};

}  // namespace alertjoin
