#include "tests/bench/support/bench_tools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kSyncedBytes = 1000;

}  // namespace

double SecondsSince(BenchClock::time_point begin) {
  return std::chrono::duration<double>(BenchClock::now() - begin).count();
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

double Quantile(std::vector<double> values, double q) {
  CHECK(!values.empty() && q > 0 && q <= 1);
  const double rank = std::ceil(q * static_cast<double>(values.size()));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

BenchFolder::BenchFolder(const std::filesystem::path& parent)
    : path_(parent / fmt::format("alertjoin-bench-{:08x}", std::random_device()())) {
  CHECK(std::filesystem::create_directories(path_));
}

BenchFolder::~BenchFolder() { std::filesystem::remove_all(path_); }

std::vector<double> SyncSeconds(const std::filesystem::path& folder, int count) {
  const auto path = folder / "synced";
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  CHECK(file >= 0);
  const std::string bytes(kSyncedBytes, 'x');
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) {
    const auto begin = BenchClock::now();
    CHECK(write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(fdatasync(file) == 0);
    seconds.push_back(SecondsSince(begin));
  }
  CHECK(close(file) == 0);
  std::filesystem::remove(path);
  return seconds;
}

}  // namespace alertjoin
