#pragma once

#include <memory>
#include <utility>

#include "common/status/status.h"
#include "common/sync/mutex.h"
#include "ingest-service/binding/binder.h"

namespace alertjoin {

// A binder that is another one from time to time, as what there is to bind to comes and goes.
// Thread-safe.
class SwitchedBinder final : public Binder {
 public:
  // REQUIRES: not null.
  explicit SwitchedBinder(std::shared_ptr<const Binder> binder) : binder_(std::move(binder)) {
    CHECK(binder_ != nullptr);
  }

  // For all alerts from now on. REQUIRES: not null.
  void Switch(std::shared_ptr<const Binder> binder) EXCLUDES_LOCK(mutex_) {
    CHECK(binder != nullptr);
    MutexLock lock(mutex_);
    binder_.swap(binder);
  }

  std::vector<Binding> Bind(const TransitionEvent& event) const override EXCLUDES_LOCK(mutex_) {
    std::shared_ptr<const Binder> binder;
    {
      MutexLock lock(mutex_);
      binder = binder_;
    }
    return binder->Bind(event);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Binder> binder_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
