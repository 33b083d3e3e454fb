#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/join/engine.h"

namespace alertjoin {

// Ends the program with a message when it does not hold.
void Require(bool condition, const std::string& message);

// What the join's benchmarks, and its comparison with another engine, are run on: series that are
// sampled at a fixed step, with phases of their own, and FIRING transitions spread over the time,
// each of its own episode, bound on the labels `instance` and `job`. Everything follows from the
// options, the seed among them.
struct JoinWorkloadOptions {
  size_t series = 10'000;
  size_t samples_per_series = 720;
  int64_t step_ms = 15'000;
  size_t transitions = 200'000;
  // This share of the samples arrives late, by up to late_max_ms.
  double late_share = 0;
  int64_t late_max_ms = 300'000;
  // Of Zipf's law, by which transitions fall on series: the series of rank k gets a share of them
  // in proportion to k^-exponent. 0: all the same.
  double zipf_exponent = 0;
  size_t batch_events = 1'000;  // Samples and transitions together.
  uint64_t seed = 1;
};

struct JoinWorkload {
  // In order of arrival. Within a batch the samples, in this order, are one event before the
  // transitions.
  std::vector<std::vector<Event>> batches;
  size_t samples = 0;
  // The same as columns, for a peer.
  std::vector<uint32_t> sample_series, transition_series;
  std::vector<int64_t> sample_times_ms, transition_times_ms;
  std::vector<double> sample_values;
};

JoinWorkload MakeJoinWorkload(const JoinWorkloadOptions& options);
// The share that falls on the first `top` of `count` by Zipf's law.
double ZipfShare(size_t top, size_t count, double exponent);
// The share of the transitions that falls on the `top` series that have most.
double BusiestShare(const JoinWorkload& workload, size_t top);
// The number of the series that the alert of a row is about.
uint32_t SeriesNumberOf(const JoinedRow& row);

// Writes a column as plain binary numbers of this machine.
template <typename T>
void WriteColumn(const std::filesystem::path& file, const std::vector<T>& column) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(column.data()),
            static_cast<std::streamsize>(column.size() * sizeof(T)));
  Require(out.good(), "cannot write " + file.string());
}
// Both tables: sample_series.u32, sample_time.i64, sample_value.f64, transition_series.u32,
// transition_time.i64.
void WriteColumns(const JoinWorkload& workload, const std::filesystem::path& folder);

// The outcome of a join as sums that do not depend on order.
struct JoinOutcome {
  uint64_t matched = 0;
  int64_t age_sum_ms = 0;  // Of the matched samples.
  double value_sum = 0;    // Whole numbers: exact.
  friend bool operator==(const JoinOutcome&, const JoinOutcome&) = default;
};
JoinOutcome OutcomeOf(const Engine& engine);

// Applies all batches to a new engine; the time is that of Engine::Apply alone.
struct JoinRun {
  double seconds = 0;
  uint64_t changes = 0;
  JoinOutcome outcome;
};
JoinRun RunJoin(const JoinWorkload& workload);

// The median of five runs, whose outcomes must be `expected`.
double MedianJoinSeconds(const JoinWorkload& workload, const JoinOutcome& expected);

// The outcome by binary search in sorted columns, which shares nothing with the engine.
JoinOutcome ExpectedOutcome(const JoinWorkload& workload);

}  // namespace alertjoin
