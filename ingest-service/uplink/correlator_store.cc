#include "ingest-service/uplink/correlator_store.h"

namespace alertjoin {

void CorrelatorStore::Welcome(const std::string& id, bool has_lost) {
  {
    MutexLock lock(mutex_);
    if (!known_) known_ = Known();
    known_->id = id;
    if (has_lost) ++known_->losses;
  }
  changed_.NotifyAll();
}

std::optional<CorrelatorStore::Known> CorrelatorStore::known() const {
  MutexLock lock(mutex_);
  return known_;
}

std::optional<CorrelatorStore::Known> CorrelatorStore::WaitOther(const std::optional<Known>& known,
                                                                 const bool& cancelled) {
  MutexLock lock(mutex_);
  while (!cancelled && (!known_ || known_ == known)) changed_.Wait(mutex_);
  return cancelled ? std::nullopt : known_;
}

void CorrelatorStore::Cancel(bool& cancelled) {
  {
    MutexLock lock(mutex_);
    cancelled = true;
  }
  changed_.NotifyAll();
}

}  // namespace alertjoin
