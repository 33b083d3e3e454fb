// Workload: 100,000 series of 72 samples and 200,000 transitions, 90 % of them on 1 % of the
// series; and the same without that skew. The last line is the rate with skew divided by the rate
// without.

#include <fmt/format.h>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

double SamplesPerSecond(double skew_share) {
  JoinWorkloadOptions options;
  options.series = 100'000;
  options.samples_per_series = 72;
  options.skew_share = skew_share;
  const JoinWorkload workload = MakeJoinWorkload(options);
  const double seconds = MedianJoinSeconds(workload, ExpectedOutcome(workload));
  const double rate = static_cast<double>(workload.samples) / seconds;
  fmt::print("{:2.0f} % of the transitions on 1 % of the series: {:.3f} s, {:.2f} M samples/s\n",
             skew_share * 100, seconds, rate / 1e6);
  return rate;
}

void Run() {
  const double even = SamplesPerSecond(0);
  const double skewed = SamplesPerSecond(0.9);
  fmt::print("join_skew: {:.2f} x\n", skewed / even);
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
