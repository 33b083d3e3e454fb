#pragma once

// Hints to the processor, which change no result: what lies anywhere in memory is asked for before
// it is needed, so that the waits for many things fall into one.

#include <cstddef>
#include <iterator>

namespace alertjoin {

// Asks for the first `bytes` of an object. Null is allowed.
inline void Prefetch(const void* object, size_t bytes) {
  if (object == nullptr) return;
  constexpr size_t kLineBytes = 64;
  for (size_t at = 0; at < bytes; at += kLineBytes) {
    __builtin_prefetch(static_cast<const char*>(object) + at, 1);
  }
}

// Asks a hash table for whatever has this hash, in keys that hold theirs: what is found is probably
// what was meant, and good enough to ask for its memory.
struct HashOnly {
  size_t value;
};

// Asks for the end of an ordered set, where most that is new is put. Reads nothing of it but the
// last node's count.
template <typename Ordered>
void PrefetchEnd(const Ordered& ordered) {
  if (!ordered.empty()) Prefetch(&*std::prev(ordered.end()), 2 * sizeof(*ordered.end()));
}

}  // namespace alertjoin
