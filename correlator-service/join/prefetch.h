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

// Asks for the place in an ordered map or set where the key is or would be; reads the way there.
template <typename Ordered, typename Key>
void PrefetchPlace(const Ordered& ordered, const Key& key) {
  if (ordered.empty()) return;
  auto place = ordered.upper_bound(key);
  if (place != ordered.begin()) --place;
  Prefetch(&*place, 1);
}

}  // namespace alertjoin
