#pragma once

// Searches in ordered maps and sets where most that is looked for lies at the end, as what happened
// last does: it is found there without reading the way from the root, whose nodes lie anywhere in
// memory. The results are those of the containers' own searches.

#include <cstddef>
#include <iterator>
#include <utility>

namespace alertjoin {
namespace near_end {

// How far back from the end is looked before the search starts at the root.
inline constexpr size_t kStepsMax = 4;

template <typename Ordered, typename Element>
decltype(auto) KeyOf(const Ordered&, const Element& element) {
  if constexpr (requires { typename Ordered::mapped_type; }) {
    return (element.first);
  } else {
    return (element);
  }
}

// Steps back from the end while `is_behind` holds for the key there. False: there may be more such
// keys before the place.
template <typename Ordered, typename IsBehind>
auto StepBack(Ordered& ordered, IsBehind is_behind) {
  auto place = ordered.end();
  for (size_t step = 0; step < kStepsMax; ++step) {
    if (place == ordered.begin()) return std::pair(place, true);
    const auto before = std::prev(place);
    if (!is_behind(KeyOf(ordered, *before))) return std::pair(place, true);
    place = before;
  }
  return std::pair(place, false);
}

}  // namespace near_end

// The first element whose key is not before `key`.
template <typename Ordered, typename Key>
auto LowerBoundNearEnd(Ordered& ordered, const Key& key) {
  const auto [place, found] =
      near_end::StepBack(ordered, [&key](const auto& candidate) { return !(candidate < key); });
  return found ? place : ordered.lower_bound(key);
}

// The element with this key; the container's end when there is none.
template <typename Ordered, typename Key>
auto FindNearEnd(Ordered& ordered, const Key& key) {
  const auto place = LowerBoundNearEnd(ordered, key);
  if (place == ordered.end() || key < near_end::KeyOf(ordered, *place)) return ordered.end();
  return place;
}

}  // namespace alertjoin
