#include "common/sync/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace alertjoin {
namespace {

constexpr int kLowNice = 10;
constexpr uint64_t kShortTurnNanos = 100'000;  // The least there is.

// As <linux/sched/types.h> has it, in its first form, which every later kernel takes. That header
// and the C library's fight over a name.
struct SchedAttributes {
  uint32_t size = sizeof(SchedAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;
  uint64_t deadline = 0;
  uint64_t period = 0;
};

}  // namespace

void LowerThreadPriority() {
  // On Linux a thread has a priority of its own.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kLowNice));
}

void WantShortTurns() {
  SchedAttributes attributes;
  // It has what it is called with: another priority than that of the process would be a change.
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.size = sizeof(attributes);
  attributes.runtime = kShortTurnNanos;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace alertjoin
