// Workload: that of join_inorder, with 1, 5 and 20 % of the samples late by up to 5 minutes. The
// last line is the rate at 20 % divided by the in-order rate of the same run.

#include <fmt/format.h>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

double SamplesPerSecond(double late_share) {
  JoinWorkloadOptions options;
  options.late_share = late_share;
  const JoinWorkload workload = MakeJoinWorkload(options);
  const double seconds = MedianJoinSeconds(workload, ExpectedOutcome(workload));
  const double rate = static_cast<double>(workload.samples) / seconds;
  fmt::print("{:2.0f} % late: {:.3f} s, {:.2f} M samples/s\n", late_share * 100, seconds,
             rate / 1e6);
  return rate;
}

void Run() {
  const double in_order = SamplesPerSecond(0);
  SamplesPerSecond(0.01);
  SamplesPerSecond(0.05);
  const double late = SamplesPerSecond(0.2);
  fmt::print("join_late: {:.2f} x\n", late / in_order);
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
