#pragma once

// Writing whole lines of memory past the caches, for what is not soon read again. A line that is
// written through them is read first, which takes longer than all else that is done for a sample.

#include <cstddef>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace alertjoin {

inline constexpr size_t kWholeLineBytes = 64;

// Writes the first 8 bytes of each of the pairs to one line, and the others to another. REQUIRES:
// both are multiples of kWholeLineBytes.
template <typename Pair, typename First, typename Second, size_t n>
void WriteTwoWholeLines(const Pair (&pairs)[n], First* firsts, Second* seconds) {
  static_assert(sizeof(Pair) == 16 && sizeof(First) == 8 && sizeof(Second) == 8);
  static_assert(n * sizeof(First) == kWholeLineBytes);
#ifdef __SSE2__
  const auto* const from = reinterpret_cast<const __m128i*>(pairs);
  for (size_t i = 0; i < n; i += 2) {
    const __m128i a = _mm_loadu_si128(from + i);
    const __m128i b = _mm_loadu_si128(from + i + 1);
    _mm_stream_si128(reinterpret_cast<__m128i*>(firsts + i), _mm_unpacklo_epi64(a, b));
    _mm_stream_si128(reinterpret_cast<__m128i*>(seconds + i), _mm_unpackhi_epi64(a, b));
  }
#else
  for (size_t i = 0; i < n; ++i) {
    const auto* const from = reinterpret_cast<const std::byte*>(pairs + i);
    std::memcpy(firsts + i, from, sizeof(First));
    std::memcpy(seconds + i, from + sizeof(First), sizeof(Second));
  }
#endif
}

// What this thread has written by these comes before all that it writes from here on, as what it
// writes in the usual way does by the rules of the machine. Without it, that holds for this
// thread's own reads alone.
inline void FinishWholeLines() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace alertjoin
