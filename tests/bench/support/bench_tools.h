#pragma once

// What the benchmarks of the services share.

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace alertjoin {

using BenchClock = std::chrono::steady_clock;
double SecondsSince(BenchClock::time_point begin);
// What this process has used of its processors so far, in user and kernel mode.
double ProcessorSeconds();

// REQUIRES: not empty.
double Median(std::vector<double> values);
// The smallest of the values that at least the share `q` of them does not exceed. REQUIRES: not
// empty, 0 < q <= 1.
double Quantile(std::vector<double> values, double q);

// A new folder in `parent`, removed with all that is in it at the end.
class BenchFolder {
 public:
  explicit BenchFolder(const std::filesystem::path& parent);
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A file that is appended to and synced.
class SyncedFile {
 public:
  // Makes it in the folder; it is removed with the object.
  explicit SyncedFile(const std::filesystem::path& folder);
  ~SyncedFile();
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;

  // How long a write of 1,000 bytes with fdatasync takes.
  double AppendSeconds();

 private:
  const std::filesystem::path path_;
  const int file_;
};

// The times in seconds of `count` syncs: 1,000 bytes written to the end of a new plain file in the
// folder, then fdatasync, one after the other.
std::vector<double> SyncSeconds(const std::filesystem::path& folder, int count);

}  // namespace alertjoin
