#pragma once

#include <thread>
#include <vector>

#include "common/event/event.h"
#include "common/sync/mutex.h"
#include "ingest-service/spool/spool.h"

namespace alertjoin {

// Stands in for the uplink and the correlator: a thread that takes every event out of the spool,
// decodes it, keeps it and acknowledges it at once, unless told to be silent. What the spool drops
// meanwhile is passed over. Thread-safe. Takes the spool's append listener; stop appending before
// it is destroyed.
class AcknowledgingUplink {
 public:
  explicit AcknowledgingUplink(Spool& spool);
  ~AcknowledgingUplink();

  // Whether to leave what comes unread and unacknowledged.
  void SetSilent(bool silent) EXCLUDES_LOCK(mutex_);
  // The events taken since the last call, in their order.
  std::vector<Event> TakeEvents() EXCLUDES_LOCK(mutex_);

 private:
  void Run() EXCLUDES_LOCK(mutex_);

  Spool& spool_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  bool appended_ GUARDED_BY(mutex_) = false;
  bool silent_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alertjoin
