#include "tests/support/join_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <numeric>
#include <random>
#include <utility>

namespace alertjoin {
namespace {

constexpr int kRuns = 5;

struct Arrival {
  int64_t at_ms;
  uint32_t index;
  bool is_transition;
};

LabelSet AlertLabels(size_t series) {
  return LabelSet{{"alertname", "High"},
                  {"instance", fmt::format("host-{}.example:9100", series)},
                  {"job", "node"}};
}

// Puts samples and transitions into batches: in each, the samples stand in one event and come
// first, as the engine applies them.
class Batcher {
 public:
  Batcher(const JoinWorkloadOptions& options, JoinWorkload& workload)
      : options_(options), workload_(workload) {
    const auto query = std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample});
    for (size_t i = 0; i < options.series; ++i) {
      LabelSet labels{
          {"__name__", "q"}, {"instance", fmt::format("host-{}.example:9100", i)}, {"job", "node"}};
      series_.push_back(std::make_shared<const SeriesKey>(SeriesKey{query, std::move(labels)}));
      alerts_.push_back(AlertLabels(i));
      fingerprints_.push_back(alerts_.back().FingerprintHex());
    }
    Binding binding;
    binding.query = *query;
    binding.on = {"instance", "job"};
    binding_ = std::move(binding);
  }

  void AddSample(size_t i) {
    samples_.series_index.push_back(workload_.sample_series[i]);
    samples_.times.push_back(Timestamp::FromMillis(workload_.sample_times_ms[i]));
    samples_.values.push_back(workload_.sample_values[i]);
    samples_.received_time = samples_.times.back();
    Count();
  }

  void AddTransition(size_t i) {
    const uint32_t series = workload_.transition_series[i];
    TransitionEvent event;
    event.source = "am";
    event.labels = alerts_[series];
    event.fingerprint = fingerprints_[series];
    event.starts_at = Timestamp::FromMillis(workload_.transition_times_ms[i]);
    event.received_time = event.starts_at;
    event.bindings = {binding_};
    transitions_.emplace_back(std::move(event));
    Count();
  }

  void EndBatch() {
    std::vector<Event> batch;
    if (samples_.size() != 0) {
      samples_.series = series_;
      batch.emplace_back(std::exchange(samples_, {}));
    }
    std::move(transitions_.begin(), transitions_.end(), std::back_inserter(batch));
    transitions_.clear();
    if (!batch.empty()) workload_.batches.push_back(std::move(batch));
    count_ = 0;
  }

 private:
  void Count() {
    if (++count_ == options_.batch_events) EndBatch();
  }

  const JoinWorkloadOptions& options_;
  JoinWorkload& workload_;
  SeriesTable series_;  // One for all batches, as of one stream.
  std::vector<LabelSet> alerts_;
  std::vector<std::string> fingerprints_;
  Shared<Binding> binding_;
  // Of the batch.
  SampleBatch samples_;
  std::vector<Event> transitions_;
  size_t count_ = 0;
};

// Draws the series of transitions.
class SeriesChoice {
 public:
  SeriesChoice(const JoinWorkloadOptions& options, std::mt19937_64& random)
      : by_rank_(options.series), random_(random) {
    if (options.zipf_exponent == 0) return;
    std::iota(by_rank_.begin(), by_rank_.end(), 0u);
    std::shuffle(by_rank_.begin(), by_rank_.end(), random);
    double sum = 0;
    for (size_t rank = 1; rank <= options.series; ++rank) {
      sum += std::pow(static_cast<double>(rank), -options.zipf_exponent);
      sums_.push_back(sum);
    }
  }

  uint32_t Next() {
    if (sums_.empty()) return static_cast<uint32_t>(random_() % by_rank_.size());
    const double drawn = std::uniform_real_distribution<>(0, sums_.back())(random_);
    const auto place = std::upper_bound(sums_.begin(), std::prev(sums_.end()), drawn);
    return by_rank_[static_cast<size_t>(place - sums_.begin())];
  }

 private:
  std::vector<uint32_t> by_rank_;
  std::vector<double> sums_;  // Of the weights up to each rank. Empty: all the same.
  std::mt19937_64& random_;
};

}  // namespace

JoinWorkload MakeJoinWorkload(const JoinWorkloadOptions& options) {
  std::mt19937_64 random(options.seed);
  JoinWorkload workload;
  std::vector<Arrival> arrivals;
  workload.samples = options.series * options.samples_per_series;
  for (size_t n = 0; n < options.samples_per_series; ++n) {
    for (size_t series = 0; series < options.series; ++series) {
      const auto phase =
          static_cast<int64_t>(series) * options.step_ms / static_cast<int64_t>(options.series);
      const int64_t time = static_cast<int64_t>(n) * options.step_ms + phase;
      const bool late = std::uniform_real_distribution<>(0, 1)(random) < options.late_share;
      const auto delay =
          late ? static_cast<int64_t>(random() % static_cast<uint64_t>(options.late_max_ms)) : 0;
      arrivals.push_back(
          {time + delay, static_cast<uint32_t>(workload.sample_times_ms.size()), false});
      workload.sample_series.push_back(static_cast<uint32_t>(series));
      workload.sample_times_ms.push_back(time);
      workload.sample_values.push_back(static_cast<double>(random() % 1000));
    }
  }
  SeriesChoice choice(options, random);
  const auto span = static_cast<uint64_t>(options.step_ms) * options.samples_per_series;
  for (size_t i = 0; i < options.transitions; ++i) {
    const auto time = static_cast<int64_t>(random() % span);
    arrivals.push_back({time, static_cast<uint32_t>(i), true});
    workload.transition_series.push_back(choice.Next());
    workload.transition_times_ms.push_back(time);
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const Arrival& a, const Arrival& b) { return a.at_ms < b.at_ms; });
  Batcher batcher(options, workload);
  for (const Arrival& arrival : arrivals) {
    if (arrival.is_transition) {
      batcher.AddTransition(arrival.index);
    } else {
      batcher.AddSample(arrival.index);
    }
  }
  batcher.EndBatch();
  return workload;
}

double ZipfShare(size_t top, size_t count, double exponent) {
  double of_top = 0;
  double of_all = 0;
  for (size_t rank = count; rank >= 1; --rank) {
    of_all += std::pow(static_cast<double>(rank), -exponent);
    if (rank <= top) of_top += std::pow(static_cast<double>(rank), -exponent);
  }
  return of_top / of_all;
}

double BusiestShare(const JoinWorkload& workload, size_t top) {
  std::map<uint32_t, size_t> by_series;
  for (const uint32_t series : workload.transition_series) ++by_series[series];
  std::vector<size_t> counts;
  for (const auto& [series, count] : by_series) counts.push_back(count);
  std::sort(counts.rbegin(), counts.rend());
  counts.resize(std::min(counts.size(), top));
  const auto busiest = std::accumulate(counts.begin(), counts.end(), size_t{0});
  return static_cast<double>(busiest) / static_cast<double>(workload.transition_series.size());
}

uint32_t SeriesNumberOf(const JoinedRow& row) {
  const std::string instance(row.transition->labels.Get("instance"));
  return static_cast<uint32_t>(std::stoul(instance.substr(instance.find('-') + 1)));
}

void WriteColumns(const JoinWorkload& workload, const std::filesystem::path& folder) {
  WriteColumn(folder / "sample_series.u32", workload.sample_series);
  WriteColumn(folder / "sample_time.i64", workload.sample_times_ms);
  WriteColumn(folder / "sample_value.f64", workload.sample_values);
  WriteColumn(folder / "transition_series.u32", workload.transition_series);
  WriteColumn(folder / "transition_time.i64", workload.transition_times_ms);
}

JoinOutcome OutcomeOf(const Engine& engine) {
  JoinOutcome outcome;
  for (const JoinedRow& row : engine.Rows()) {
    if (!row.match.value) continue;
    ++outcome.matched;
    outcome.age_sum_ms += (row.transition->event_time() - *row.match.sample_time).count();
    outcome.value_sum += *row.match.value;
  }
  return outcome;
}

JoinOutcome ExpectedOutcome(const JoinWorkload& workload) {
  std::vector<std::vector<std::pair<int64_t, double>>> series;
  for (size_t i = 0; i < workload.samples; ++i) {
    if (workload.sample_series[i] >= series.size()) series.resize(workload.sample_series[i] + 1);
    series[workload.sample_series[i]].emplace_back(workload.sample_times_ms[i],
                                                   workload.sample_values[i]);
  }
  for (auto& samples : series) std::sort(samples.begin(), samples.end());
  // Two transitions of one alert at one time are one.
  std::vector<std::pair<uint32_t, int64_t>> transitions;
  for (size_t i = 0; i < workload.transition_series.size(); ++i) {
    transitions.emplace_back(workload.transition_series[i], workload.transition_times_ms[i]);
  }
  std::sort(transitions.begin(), transitions.end());
  transitions.erase(std::unique(transitions.begin(), transitions.end()), transitions.end());
  JoinOutcome outcome;
  for (const auto& [key, time] : transitions) {
    const auto next =
        std::upper_bound(series[key].begin(), series[key].end(), std::pair(time, HUGE_VAL));
    if (next == series[key].begin()) continue;
    ++outcome.matched;
    outcome.age_sum_ms += time - std::prev(next)->first;
    outcome.value_sum += std::prev(next)->second;
  }
  return outcome;
}

JoinRun RunJoin(const JoinWorkload& workload) {
  auto batches = workload.batches;
  Engine engine{EngineLimits{}};
  JoinRun run;
  const auto start = std::chrono::steady_clock::now();
  for (auto& batch : batches) {
    run.changes += engine.Apply(std::move(batch), Timestamp::FromMillis(0)).size();
  }
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  run.outcome = OutcomeOf(engine);
  return run;
}

double MedianJoinSeconds(const JoinWorkload& workload, const JoinOutcome& expected) {
  std::vector<double> seconds;
  for (int i = 0; i < kRuns; ++i) {
    const JoinRun run = RunJoin(workload);
    Require(run.outcome == expected,
            fmt::format("wrong result: {} rows matched, expected {}; ages {} ms, expected {}",
                        run.outcome.matched, expected.matched, run.outcome.age_sum_ms,
                        expected.age_sum_ms));
    seconds.push_back(run.seconds);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[kRuns / 2];
}

void Require(bool condition, const std::string& message) {
  if (condition) return;
  fmt::print(stderr, "{}\n", message);
  std::exit(1);
}

}  // namespace alertjoin
