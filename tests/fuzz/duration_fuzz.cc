// libFuzzer target: durations. Whatever comes, what is taken is what Prometheus's own expression
// takes, means what the plain sum of its parts means, and is read back from its shortest form.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/duration_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS

#include <fmt/format.h>
#include <re2/re2.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/time/duration.h"

namespace alertjoin {
namespace {

void Require(bool holds, const char* what, std::string_view text) {
  if (holds) return;
  fmt::print(stderr, "{}: \"{}\"\n", what, text);
  std::abort();
}

// Source of the expression: prometheus/common model/time.go.
std::optional<__int128> PlainMillis(std::string_view text) {
  static const RE2 expression(
      "(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?");
  if (text == "0") return 0;
  std::string parts[14];
  RE2::Arg args[14];
  const RE2::Arg* pointers[14];
  for (int i = 0; i < 14; ++i) {
    args[i] = &parts[i];
    pointers[i] = &args[i];
  }
  if (text.empty() || !RE2::FullMatchN({text.data(), text.size()}, expression, pointers, 14)) {
    return std::nullopt;
  }
  constexpr int64_t kDay = 86'400'000;
  constexpr int64_t kUnits[] = {365 * kDay, 7 * kDay, kDay, 3'600'000, 60'000, 1000, 1};
  __int128 sum = 0;
  for (int i = 0; i < 7; ++i) {
    __int128 number = 0;
    for (const char digit : parts[2 * i + 1]) {
      // So large that no unit makes it fit.
      if (number < __int128{1} << 80) number = number * 10 + (digit - '0');
    }
    sum += number * kUnits[i];
  }
  return sum;
}

void Try(std::string_view text) {
  const auto taken = ParseDuration(text);
  const auto plain = PlainMillis(text);
  constexpr __int128 kMost = __int128{10'000} * 365 * 86'400'000;
  Require(taken.ok() == (plain.has_value() && *plain <= kMost), "taken or not", text);
  if (!taken.ok()) return;
  Require(taken->count() == *plain, "another value", text);
  const auto again = ParseDuration(FormatDuration(*taken));
  Require(again.ok() && *again == *taken, "not read back", text);
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  alertjoin::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
