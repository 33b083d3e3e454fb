#pragma once

#include <atomic>
#include <cstddef>

namespace alertjoin {

// A request of up to so many bytes has its place whatever the others hold.
constexpr size_t kHttpSmallBytes = 64 << 10;

// Bytes of memory that the requests of a server hold together. Thread-safe.
class HttpByteBudget {
 public:
  explicit HttpByteBudget(size_t bytes_max) : bytes_max_(bytes_max) {}

  // What one request holds, until it is destroyed. Used by one thread at a time; the budget must
  // outlive it.
  class Share {
   public:
    explicit Share(HttpByteBudget& budget) : budget_(budget) {}
    ~Share() { Hold(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // That many from now on, in place of what it held. False when they are not a few and all
    // together are more than there may be: it holds them, but should not for long.
    bool Hold(size_t bytes) {
      const size_t more = bytes - bytes_;  // May wrap around, as the sum does then.
      bytes_ = bytes;
      const size_t total = budget_.held_.fetch_add(more) + more;
      return bytes <= kHttpSmallBytes || total <= budget_.bytes_max_;
    }

   private:
    HttpByteBudget& budget_;
    size_t bytes_ = 0;
  };

 private:
  const size_t bytes_max_;
  std::atomic<size_t> held_ = 0;
};

}  // namespace alertjoin
