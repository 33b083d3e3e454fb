// Workload: one series with a transition at every second, 100,000 of them, and samples that come in
// backwards, so that each is late and revises the rows of the ten seconds after it. Beside it: the
// time for a sample behind all rows, which revises nothing, with 1,000 and with 100,000 rows.

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

constexpr int kRuns = 5;
constexpr int64_t kRowsPerSample = 10;

const SeriesTable& Series() {
  static const SeriesTable series{std::make_shared<const SeriesKey>(SeriesKey{
      std::make_shared<const Query>(Query{"prom", "q", "q", TimeKind::kSample}), LabelSet{}})};
  return series;
}

Event SampleAt(int64_t second) {
  SampleBatch batch;
  batch.series = Series();
  batch.series_index = {0};
  batch.times = {Timestamp::FromMillis(second * 1000)};
  batch.values = {static_cast<double>(second)};
  return batch;
}

void AddTransitions(Engine& engine, int64_t count) {
  Binding binding;
  binding.query = *Series()[0]->query;
  binding.tolerance = std::chrono::hours(24 * 365);
  for (int64_t i = 0; i < count; ++i) {
    TransitionEvent event;
    event.source = "am";
    event.fingerprint = fmt::format("{:016x}", i);
    event.starts_at = event.received_time = Timestamp::FromMillis(i * 1000);
    event.bindings = {binding};
    engine.Apply({Event(std::move(event))}, Timestamp());
  }
}

template <typename Work>
double Seconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double RowsRevisedPerSecond(int64_t transitions) {
  Engine engine{EngineLimits{}};
  AddTransitions(engine, transitions);
  engine.Apply({SampleAt(-1)}, Timestamp());
  size_t revised = 0;
  const double seconds = Seconds([&] {
    for (int64_t at = transitions - kRowsPerSample; at >= 0; at -= kRowsPerSample) {
      revised += engine.Apply({SampleAt(at)}, Timestamp()).size();
    }
  });
  Require(revised == static_cast<size_t>(transitions), "a late sample revised other rows");
  return static_cast<double>(revised) / seconds;
}

double MicrosPerIdleSample(int64_t transitions) {
  // So many that the pages of fresh memory, which some runs need and others do not, weigh nothing.
  constexpr int64_t kSamples = 200'000;
  Engine engine{EngineLimits{}};
  AddTransitions(engine, transitions);
  engine.Apply({SampleAt(transitions)}, Timestamp());
  size_t changes = 0;
  const double seconds = Seconds([&] {
    for (int64_t i = 1; i <= kSamples; ++i) {
      changes += engine.Apply({SampleAt(transitions + i)}, Timestamp()).size();
    }
  });
  Require(changes == 0, "a sample behind all rows revised one");
  return seconds / kSamples * 1e6;
}

void Run() {
  std::vector<double> rates, few, many;
  for (int i = 0; i < kRuns; ++i) {
    rates.push_back(RowsRevisedPerSecond(100'000));
    few.push_back(MicrosPerIdleSample(1'000));
    many.push_back(MicrosPerIdleSample(100'000));
  }
  fmt::print("a sample that revises nothing: {:.3f} us with 1,000 rows, {:.3f} us with 100,000\n",
             Median(few), Median(many));
  fmt::print("revision_storm: {:.0f} rows/s\n", Median(rates));
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
