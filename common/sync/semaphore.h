#pragma once

#include <semaphore.h>

#include <cerrno>

#include "common/status/status.h"

namespace alertjoin {

// A counting semaphore, at 0 in the beginning. Thread-safe. Unlike std::counting_semaphore, the
// thread that waits may destroy it as soon as Wait has returned, while Post is still returning.
// Source: glibc's nptl/sem_post.c, after bug 12674.
class Semaphore {
 public:
  Semaphore() { CHECK(::sem_init(&semaphore_, 0, 0) == 0); }
  ~Semaphore() { ::sem_destroy(&semaphore_); }
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  // Lets one Wait return, and what was written before be seen there.
  void Post() { CHECK(::sem_post(&semaphore_) == 0); }
  void Wait() {
    while (::sem_wait(&semaphore_) != 0) CHECK(errno == EINTR);
  }

 private:
  sem_t semaphore_;
};

}  // namespace alertjoin
