#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "correlator-service/tables/sample_leaf.h"

namespace alertjoin {

// Figures of the samples in [start, end). NaN and stale markers are left out of all but nan_count,
// as pandas does by default.
struct SampleStatistics {
  Timestamp start;
  Timestamp end;
  uint64_t count = 0;
  uint64_t nan_count = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  double last = 0;
  Timestamp last_time;
  double ema = 0;
};

// Sums up the samples of one series, step by step. Not thread-safe; a value type.
class SampleSummarizer {
 public:
  // One step from `from` to `to` when `step` is not given. REQUIRES: from <= to; step > 0;
  // ema_alpha above 0 and at most 1.
  SampleSummarizer(Timestamp from, Timestamp to, std::optional<Millis> step, double ema_alpha)
      : from_(from), to_(to), step_(step), ema_alpha_(ema_alpha) {}

  // REQUIRES: by time, each call behind the one before; within [from, to).
  void Add(std::span<const Sample> samples);
  // One for each step that has samples.
  const std::vector<SampleStatistics>& statistics() const { return statistics_; }

 private:
  SampleStatistics& StepOf(Timestamp time);

  Timestamp from_;
  Timestamp to_;
  std::optional<Millis> step_;
  double ema_alpha_;
  std::optional<double> ema_;
  std::vector<SampleStatistics> statistics_;
};

}  // namespace alertjoin
