#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>

#include "common/config/secret.h"
#include "common/sync/mutex.h"
#include "common/time/clock.h"

namespace alertjoin {

// Whether it is a hash as bcrypt makes it ($2a$, $2b$ or $2y$), of a cost that can be borne: 4 to
// 14, where each step doubles the time (14 takes about a second).
bool IsBcryptHash(const std::string& hash);

// Compares passwords with bcrypt hashes. As that is slow on purpose, the outcome is remembered for
// a while, under a digest that says nothing of the password, and few are compared at a time, so
// that nobody can take the whole machine by guessing. Thread-safe. The clock must outlive it.
class PasswordCheck {
 public:
  static constexpr size_t kRememberedMax = 256;  // Of right and of wrong ones each.
  static constexpr std::chrono::seconds kRememberedFor{60};
  static constexpr size_t kAtOnceMax = 2;
  static constexpr size_t kWaitingMax = 8;

  explicit PasswordCheck(const Clock& clock);

  enum class Outcome {
    kRight,
    kWrong,
    kBusy,  // Too many wait already; not compared.
  };
  // Unless it `may_wait`, only what is remembered is known, and the rest is kBusy.
  // REQUIRES: IsBcryptHash(hash).
  Outcome Check(const std::string& user, const std::string& hash, const Secret& password,
                bool may_wait = true) EXCLUDES_LOCK(mutex_);

  // How often a hash was computed.
  uint64_t computed() const EXCLUDES_LOCK(mutex_);

 private:
  using Digest = std::array<unsigned char, 32>;
  using Remembered = std::map<Digest, Clock::Steady>;  // Until when.
  Digest DigestOf(const std::string& user, const std::string& hash, const Secret& password) const;
  void Remember(Remembered& where, const Digest& digest) REQUIRES_LOCK(mutex_);

  const Clock& clock_;
  Digest key_{};  // Of this process alone.

  mutable Mutex mutex_;
  CondVar freed_;
  size_t comparing_ GUARDED_BY(mutex_) = 0;
  size_t waiting_ GUARDED_BY(mutex_) = 0;
  uint64_t computed_ GUARDED_BY(mutex_) = 0;
  // A flood of wrong ones must not push out the right ones.
  Remembered right_ GUARDED_BY(mutex_);
  Remembered wrong_ GUARDED_BY(mutex_);
};

}  // namespace alertjoin
