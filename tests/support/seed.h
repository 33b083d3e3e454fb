#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace alertjoin {

// The seed of a random test: ALERTJOIN_TEST_SEED when set, otherwise a new one. Printed either way,
// so that a failure can be run again.
inline uint64_t TestSeed() {
  const char* const given = std::getenv("ALERTJOIN_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "ALERTJOIN_TEST_SEED=" << seed << '\n';
  return seed;
}

}  // namespace alertjoin
