#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/sync/mutex.h"
#include "common/time/clock.h"
#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// What producers have handed over and waits for its round, by logs of producers: the batches of one
// log come out in the order in which they came in, those of different logs in the order of a
// circle, one of each after the other. So who floods it waits for itself, and the batch of another
// log is in the next round, if that has room for one of each:
//
// - While more than one log is heard of, rounds are small, so that the one that is under way when
//   a batch comes is soon over, and large batches come in parts. How small follows from how long
//   they take to be logged: on a disk that syncs slowly what a round holds adds little to that.
//   While there is only one log, rounds are as large as load makes them.
// - What is small has room of its own in a round, behind what is not.
// - What does not fit all the same lets the others go first, once: a round with such a batch comes
//   after one without, as long as there are small ones. So these wait for one of them at most.
// - Of each log only so much waits as one stream may have under way, however often its producer
//   connects; and where others fill all there is, one batch of a log is taken all the same.
//
// Thread-safe. Once closed it takes nothing more; what it holds can still be taken.
class IntakeCircle {
 public:
  static constexpr size_t kRoundBatchesMax = 1'024;
  // A round is full with the batch that would bring it beyond; the first one is taken whatever its
  // size, and so is one that has its turn.
  static constexpr size_t kRoundBytesMax = 4 << 20;
  // While there are several logs: for each millisecond that a round takes at least. To encode and
  // write so much takes a fraction of that.
  static constexpr size_t kSharedRoundBytesPerMs = 64 << 10;
  // At least so much, and at most: what makes rounds slow may be that they are large.
  static constexpr size_t kSharedRoundBytes = 64 << 10;
  static constexpr size_t kSharedRoundBytesMax = 512 << 10;
  // Batches up to this size may bring a round beyond, by up to a quarter.
  static constexpr size_t kSmallBytes = 4 << 10;
  // The shortest of so many rounds counts: about what a sync takes.
  static constexpr size_t kTimedRounds = 8;
  // Of the parts (Divide) of a batch that is larger.
  static constexpr size_t kPartBytes = 32 << 10;
  // How long rounds stay small behind batches of different logs.
  static constexpr Millis kShared = std::chrono::minutes(2);
  // Of one log: up to the lower number whatever their size, up to the higher one as long as they
  // are small. As IntakeSession has it for one stream.
  static constexpr size_t kLogBatchesMin = 4;
  static constexpr size_t kLogBatchesMax = 512;
  static constexpr size_t kLogBytesMax = 8 << 20;
  // Of all logs.
  static constexpr size_t kBytesMax = 256 << 20;

  // Holds at most `batches_max` batches, and as much more of logs that have no other in it. The
  // clock must outlive it.
  IntakeCircle(size_t batches_max, const Clock& clock);

  // False, and nothing moved from, when it has no room or is closed. REQUIRES: calls for one log
  // come one after the other.
  bool TryPush(IntakeBatch&& batch) EXCLUDES_LOCK(mutex_);

  // Waits for at least one batch, then takes those of a round. Empty when nothing came before the
  // deadline, or once it has ended.
  std::vector<IntakeBatch> PopRoundBefore(Clock::Steady deadline) EXCLUDES_LOCK(mutex_);

  // How long it took to write and sync a round.
  void NoteLogged(std::chrono::nanoseconds took) EXCLUDES_LOCK(mutex_);

  void Close() EXCLUDES_LOCK(mutex_);
  // Closed, and nothing left in it.
  bool ended() const EXCLUDES_LOCK(mutex_);

 private:
  // Of a producer: its id, that of the log.
  using LogId = std::pair<std::string, std::string>;
  struct Part {
    IntakeBatch batch;
    bool is_last;  // Or all there is.
  };
  struct Waiting {
    std::deque<Part> parts;
    size_t batches = 0;  // Of which a part waits, or all, or is coming.
    size_t bytes = 0;    // Of them.
  };
  using Logs = std::map<LogId, Waiting>;
  struct Round {
    std::vector<IntakeBatch> batches;
    size_t bytes = 0;
    size_t bytes_max = 0;
  };

  bool HasRoomFor(Logs::const_iterator log) const REQUIRES_LOCK(mutex_);
  void Add(Logs::iterator log, std::vector<IntakeBatch> parts) REQUIRES_LOCK(mutex_);
  bool IsShared() const REQUIRES_LOCK(mutex_);
  bool HasEnded() const REQUIRES_LOCK(mutex_);
  // As of a round that is made now.
  size_t RoundBytesMax() const REQUIRES_LOCK(mutex_);
  // Goes around once. False: not all fitted.
  bool TakeOneOfEach(Round& round) REQUIRES_LOCK(mutex_);
  // Moves the first batch of the log, and the log from the circle unless more of it waits.
  void Take(Logs::iterator log, std::deque<Logs::iterator>& circle, Round& round)
      REQUIRES_LOCK(mutex_);

  const size_t batches_max_;
  const Clock& clock_;
  mutable Mutex mutex_;
  CondVar changed_;  // Batches, or the end.
  bool closed_ GUARDED_BY(mutex_) = false;
  size_t batches_ GUARDED_BY(mutex_) = 0;  // Of all logs.
  size_t bytes_ GUARDED_BY(mutex_) = 0;    // Of them.
  size_t coming_ GUARDED_BY(mutex_) = 0;   // Of them, those that TryPush has at hand.
  Logs logs_ GUARDED_BY(mutex_);           // Those that have batches.
  // Those of which parts wait: first those that did not fit into the round before, then the others,
  // whose turn was longest ago first.
  std::deque<Logs::iterator> circle_ GUARDED_BY(mutex_);
  bool owes_turn_ GUARDED_BY(mutex_) = false;               // To the first of them.
  LogId newest_ GUARDED_BY(mutex_);                         // Of the batch that came last.
  std::optional<Clock::Steady> shared_ GUARDED_BY(mutex_);  // When newest_ was last another one.
  // Of the last rounds, in a ring.
  std::array<std::chrono::nanoseconds, kTimedRounds> took_ GUARDED_BY(mutex_) = {};
  size_t took_next_ GUARDED_BY(mutex_) = 0;
};

}  // namespace alertjoin
