// Workload: 10,000 series of 720 samples, 15 s apart, and 200,000 transitions spread over the time,
// in order of arrival, in batches of 1,000, one thread. Beside it: copying the same bytes, and
// DuckDB's as-of join of the same data, loaded in memory, with 2 threads
// (tests/bench/duckdb_asof.py). The last line is the ratio of DuckDB's time to ours.

#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

double CopySeconds(const JoinWorkload& workload) {
  std::vector<int64_t> times(workload.samples);
  std::vector<double> values(workload.samples);
  const auto start = std::chrono::steady_clock::now();
  std::memcpy(times.data(), workload.sample_times_ms.data(), times.size() * sizeof(int64_t));
  std::memcpy(values.data(), workload.sample_values.data(), values.size() * sizeof(double));
  const auto end = std::chrono::steady_clock::now();
  Require(values.back() == workload.sample_values.back(), "the copy is wrong");
  return std::chrono::duration<double>(end - start).count();
}

// The median that the peer reports, after checking its outcome.
double PeerSeconds(const JoinWorkload& workload, const JoinOutcome& expected) {
  const auto folder = std::filesystem::temp_directory_path() /
                      fmt::format("alertjoin-bench-{}", std::random_device()());
  std::filesystem::create_directory(folder);
  WriteColumns(workload, folder);
  const std::string command =
      fmt::format("'{0}/tests/support/with_duckdb' '{0}/tests/bench/duckdb_asof.py' '{1}'",
                  ALERTJOIN_SOURCE_DIR, folder.string());
  FILE* const peer = popen(command.c_str(), "r");
  Require(peer != nullptr, "cannot run " + command);
  double seconds = 0;
  unsigned long long matched = 0;
  long long age_sum_ms = 0;
  double value_sum = 0;
  const int read =
      std::fscanf(peer, "%lf %llu %lld %lf", &seconds, &matched, &age_sum_ms, &value_sum);
  const int status = pclose(peer);
  std::filesystem::remove_all(folder);
  Require(read == 4 && status == 0, "the peer failed: " + command);
  Require(matched == expected.matched && age_sum_ms == expected.age_sum_ms &&
              value_sum == expected.value_sum,
          fmt::format("the peer differs: {} matched, expected {}", matched, expected.matched));
  return seconds;
}

void Run() {
  const JoinWorkload workload = MakeJoinWorkload({});
  const JoinOutcome expected = ExpectedOutcome(workload);
  const double ours = MedianJoinSeconds(workload, expected);
  fmt::print("ours: {:.3f} s, {:.2f} M samples/s\n", ours,
             static_cast<double>(workload.samples) / ours / 1e6);
  const double copy = CopySeconds(workload);
  fmt::print("memory copy of times and values: {:.3f} s, {:.1f} times as fast\n", copy,
             ours / copy);
  const double peer = PeerSeconds(workload, expected);
  fmt::print("DuckDB, 2 threads: {:.3f} s\n", peer);
  fmt::print("join_inorder: {:.2f} x\n", peer / ours);
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
