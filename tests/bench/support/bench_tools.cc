#include "tests/bench/support/bench_tools.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
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

double ProcessorSeconds() {
  rusage usage{};
  CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
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

SyncedFile::SyncedFile(const std::filesystem::path& folder)
    : path_(folder / "synced"),
      file_(open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)) {
  CHECK(file_ >= 0);
}

SyncedFile::~SyncedFile() {
  CHECK(close(file_) == 0);
  std::filesystem::remove(path_);
}

double SyncedFile::AppendSeconds() {
  static const std::string bytes(kSyncedBytes, 'x');
  const auto begin = BenchClock::now();
  CHECK(write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  CHECK(fdatasync(file_) == 0);
  return SecondsSince(begin);
}

std::vector<double> SyncSeconds(const std::filesystem::path& folder, int count) {
  SyncedFile file(folder);
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) seconds.push_back(file.AppendSeconds());
  return seconds;
}

}  // namespace alertjoin
