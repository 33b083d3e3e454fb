// Workload: 100,000 series of 72 samples and 200,000 transitions that fall on them by Zipf's law,
// with the exponent by which 1 % of the series get 90 % of the transitions. Beside it: the same
// with all series alike, and the workload of join_inorder. The last line is the rate with skew
// divided by the rate of join_inorder's workload in the same run.

#include <fmt/format.h>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

constexpr size_t kSeries = 100'000;
constexpr size_t kBusy = kSeries / 100;
constexpr double kBusyShare = 0.9;

double ExponentForBusyShare() {
  double low = 0;
  double high = 4;
  for (int i = 0; i < 30; ++i) {
    const double middle = (low + high) / 2;
    (ZipfShare(kBusy, kSeries, middle) < kBusyShare ? low : high) = middle;
  }
  return high;
}

double SamplesPerSecond(const std::string& name, const JoinWorkloadOptions& options) {
  const JoinWorkload workload = MakeJoinWorkload(options);
  const double seconds = MedianJoinSeconds(workload, ExpectedOutcome(workload));
  const double rate = static_cast<double>(workload.samples) / seconds;
  fmt::print("{}: {:.1f} % of the transitions on 1 % of the series: {:.3f} s, {:.2f} M samples/s\n",
             name, BusiestShare(workload, options.series / 100) * 100, seconds, rate / 1e6);
  return rate;
}

void Run() {
  JoinWorkloadOptions options;
  const double in_order = SamplesPerSecond("10,000 series, all alike", options);
  options.series = kSeries;
  options.samples_per_series = 72;
  const double even = SamplesPerSecond("100,000 series, all alike", options);
  options.zipf_exponent = ExponentForBusyShare();
  const double skewed = SamplesPerSecond(
      fmt::format("100,000 series, Zipf with exponent {:.3f}", options.zipf_exponent), options);
  fmt::print("with skew : without, both with 100,000 series: {:.2f} x\n", skewed / even);
  fmt::print("join_skew: {:.2f} x\n", skewed / in_order);
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
