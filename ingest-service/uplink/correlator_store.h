#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/sync/mutex.h"

namespace alertjoin {

// What the correlator's welcomes tell of its store, for those who must send again what it has lost.
// Thread-safe.
class CorrelatorStore {
 public:
  struct Known {
    std::string id;
    // How often it came back without events that it had acknowledged, under whatever id. Counted
    // by this process.
    uint64_t losses = 0;

    friend bool operator==(const Known&, const Known&) = default;
  };

  // Of a welcome.
  void Welcome(const std::string& id, bool has_lost) EXCLUDES_LOCK(mutex_);

  // Nothing before the first welcome.
  std::optional<Known> known() const EXCLUDES_LOCK(mutex_);

  // Waits until something else is known than `known`. Nothing once `cancelled` is set, which only
  // Cancel does.
  std::optional<Known> WaitOther(const std::optional<Known>& known, const bool& cancelled)
      EXCLUDES_LOCK(mutex_);
  // Ends the wait with this flag, now or later. The wait must have ended before the flag does.
  void Cancel(bool& cancelled) EXCLUDES_LOCK(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::optional<Known> known_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
