#include "tests/support/acknowledging_uplink.h"

#include "common/event/event_codec.h"
#include "common/status/status.h"

namespace alertjoin {

AcknowledgingUplink::AcknowledgingUplink(Spool& spool) : spool_(spool), thread_([this] { Run(); }) {
  spool_.SetAppendListener([this] {
    MutexLock lock(mutex_);
    appended_ = true;
    changed_.NotifyAll();
  });
}

AcknowledgingUplink::~AcknowledgingUplink() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void AcknowledgingUplink::SetSilent(bool silent) {
  MutexLock lock(mutex_);
  silent_ = silent;
  changed_.NotifyAll();
}

std::vector<Event> AcknowledgingUplink::TakeEvents() {
  MutexLock lock(mutex_);
  return std::exchange(events_, {});
}

void AcknowledgingUplink::Run() {
  LogPosition next(1);
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stopped_ && (!appended_ || silent_)) changed_.Wait(mutex_);
      if (stopped_) return;
      appended_ = false;
    }
    while (true) {
      const auto chunk = spool_.Read(next, 1000, 16 << 20);
      if (absl::IsOutOfRange(chunk.status())) {
        next = spool_.bounds().first;
        continue;
      }
      CHECK(chunk.ok());
      if (chunk->records.empty()) break;
      next = chunk->first.Next(chunk->records.size());
      {
        MutexLock lock(mutex_);
        for (const std::string& record : chunk->records) {
          auto event = DecodeRecord(record);
          CHECK(event.ok());
          events_.push_back(*std::move(event));
        }
      }
      CHECK(spool_.Acknowledge(LogPosition(next.value() - 1)).ok());
    }
  }
}

}  // namespace alertjoin
