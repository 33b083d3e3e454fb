#pragma once

#include <pthread.h>

#include <cstring>
#include <thread>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {

// A thread that does `work` and bears `name`, of at most 15 characters, by which `top -H`,
// debuggers and profiles tell it from the others.
template <typename Work>
std::thread StartThread(const char* name, Work work) {
  CHECK(std::strlen(name) < 16);
  return std::thread([name, work = std::move(work)]() mutable {
    pthread_setname_np(pthread_self(), name);
    work();
  });
}

}  // namespace alertjoin
