#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/eventlog/group_commit.h"
#include "common/log/log.h"
#include "common/time/clock.h"
#include "ingest-service/deadletter/dead_letter.h"

namespace alertjoin {

// Keeps what can never be taken, so that a person can look at it: one file per letter in one
// folder, JSON as EncodeDeadLetter makes it, bounded in number and bytes; beyond, the oldest go.
// Files outlive the process; those of the last moments may be lost, or empty, when the machine
// stops. Thread-safe. Clock and registry must outlive it.
class DeadLetters {
 public:
  struct Options {
    std::string folder;  // Made when missing. One process at a time writes there.
    uint64_t count_max = 1000;
    // Of all files; the one being written comes on top. REQUIRES: at least kBytesMaxLeast.
    uint64_t bytes_max = 64 << 20;
  };
  static constexpr uint64_t kBytesMaxLeast = 1 << 20;
  // Of `bytes_max`, a body takes at most one part in so many; a longer one is cut. So no letter is
  // too large to be kept, even if each of its bytes takes six in JSON.
  static constexpr uint64_t kBodyShare = 8;

  // Takes over what an earlier process left. UNAVAILABLE, with the path, when the folder cannot be
  // made or read.
  static absl::StatusOr<std::unique_ptr<DeadLetters>> Open(Options options, const Clock& clock,
                                                           prometheus::Registry& registry);

  // Keeps the letter. A failure is counted, and logged now and then, and that is all: the sender
  // cannot mend it.
  void Keep(const DeadLetter& letter);

 private:
  struct Request {
    const DeadLetter* letter;
    uint64_t bytes = 0;
  };

  DeadLetters(Options options, const Clock& clock, prometheus::Registry& registry);

  void Commit(const DeadLetter& letter);
  absl::Status Store(const DeadLetter& letter);
  // Removes the oldest until the rest is within the bounds.
  absl::Status Prune();

  const Options options_;
  LogLimiter failure_log_;
  prometheus::Gauge& letters_;
  prometheus::Gauge& letter_bytes_;
  prometheus::Counter& kept_;
  prometheus::Counter& failures_;

  // Only Commit uses them, one thread at a time.
  std::map<std::string, uint64_t> files_;  // Size by name.
  uint64_t bytes_ = 0;

  // One letter at a time, without a lock held while it is written.
  GroupCommit<Request> commits_;
};

}  // namespace alertjoin
