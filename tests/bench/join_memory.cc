// Workload: 10,000 series of 720 samples, for the bytes of a sample; and 100,000 series of 20
// samples and 6 labels, for the bytes of a series with its samples and labels. The samples come in
// order of time, 15 s apart, in batches of 1,000 that are made one by one. What is counted is the
// growth of the process's resident memory, after what is free was given back: the engine, and the
// table of series of the stream. The last line is the bytes of a series.

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

constexpr size_t kBatchSamples = 1'000;
constexpr int64_t kStepMs = 15'000;
constexpr size_t kModes = 8;
constexpr size_t kProcessors = 16;

double ResidentBytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Rss:")) return std::stod(line.substr(4)) * 1024;
  }
  Require(false, "/proc/self/smaps_rollup tells no resident size");
  return 0;
}

// Hosts with 16 processors in 8 modes, as node_exporter has them.
LabelSet SeriesLabels(size_t number) {
  const char* const modes[kModes] = {"idle",    "iowait", "irq",    "nice",
                                     "softirq", "steal",  "system", "user"};
  const size_t host = number / (kModes * kProcessors);
  const std::string cpu = std::to_string(number / kModes % kProcessors);
  const std::string instance = fmt::format("host-{}.example:9100", host);
  return LabelSet{{"__name__", "node_cpu_seconds_total"},
                  {"cpu", cpu},
                  {"env", "prod"},
                  {"instance", instance},
                  {"job", "node"},
                  {"mode", modes[number % kModes]}};
}

double ValueOf(size_t series, size_t sample) { return static_cast<double>(series + sample); }
Timestamp TimeOf(size_t sample) {
  return Timestamp::FromMillis(static_cast<int64_t>(sample) * kStepMs);
}

class MeasuredEngine {
 public:
  MeasuredEngine(size_t series, size_t samples_per_series)
      : series_(series), samples_per_series_(samples_per_series) {
    const auto query = std::make_shared<const Query>(
        Query{"prom", "node_cpu_seconds_total", "node_cpu_seconds_total", TimeKind::kSample});
    for (size_t i = 0; i < series; ++i) {
      table_.push_back(std::make_shared<const SeriesKey>(SeriesKey{query, SeriesLabels(i)}));
    }
    for (size_t sample = 0; sample < samples_per_series; ++sample) {
      for (size_t first = 0; first < series; first += kBatchSamples) ApplyBatch(first, sample);
    }
    const EngineStats stats = engine_.stats();
    Require(stats.series == series && stats.samples_new == samples(), "samples are missing");
  }

  size_t samples() const { return series_ * samples_per_series_; }

  void PrintAccount(double resident) const {
    const EngineStats stats = engine_.stats();
    fmt::print(
        "{} series of {} samples: resident {:.1f} MB; by the engine's own account samples "
        "{:.1f} MB, series {:.1f} MB\n",
        series_, samples_per_series_, resident / 1e6, static_cast<double>(stats.sample_bytes) / 1e6,
        static_cast<double>(stats.series_bytes) / 1e6);
  }

  // An alert for every hundredth series, at the time of its last sample but one.
  void CheckJoin() {
    for (size_t i = 0; i < series_; i += 100) {
      TransitionEvent event;
      event.source = "am";
      event.labels = table_[i]->labels;
      event.fingerprint = event.labels.FingerprintHex();
      event.starts_at = event.received_time = TimeOf(samples_per_series_ - 2);
      Binding binding;
      binding.query = *table_[i]->query;
      binding.on = {"cpu", "instance", "mode"};
      event.bindings = {binding};
      const auto rows = engine_.Apply({Event(std::move(event))}, Timestamp());
      Require(rows.size() == 1 && rows[0].match.value == ValueOf(i, samples_per_series_ - 2),
              fmt::format("series {} is joined wrongly", i));
    }
  }

 private:
  void ApplyBatch(size_t first, size_t sample) {
    SampleBatch batch;
    batch.series = table_;
    for (size_t i = first; i < std::min(series_, first + kBatchSamples); ++i) {
      batch.series_index.push_back(static_cast<uint32_t>(i));
      batch.times.push_back(TimeOf(sample));
      batch.values.push_back(ValueOf(i, sample));
    }
    batch.received_time = TimeOf(sample);
    std::vector<Event> events;
    events.emplace_back(std::move(batch));
    engine_.Apply(std::move(events), TimeOf(sample));
  }

  const size_t series_;
  const size_t samples_per_series_;
  SeriesTable table_;
  Engine engine_{EngineLimits{}};
};

struct Footprint {
  double bytes;
  size_t samples;
};

Footprint Measure(size_t series, size_t samples_per_series) {
  const double before = ResidentBytes();
  const auto engine = std::make_unique<MeasuredEngine>(series, samples_per_series);
  const double bytes = ResidentBytes() - before;
  engine->PrintAccount(bytes);
  engine->CheckJoin();
  return {bytes, engine->samples()};
}

void Run() {
  constexpr size_t kShortSeries = 100'000;
  const Footprint of_short = Measure(kShortSeries, 20);
  const Footprint of_long = Measure(10'000, 720);
  fmt::print("720 samples a series: {:.1f} bytes/sample\n",
             of_long.bytes / static_cast<double>(of_long.samples));
  fmt::print("join_memory: {:.0f} bytes/series\n",
             of_short.bytes / static_cast<double>(kShortSeries));
}

}  // namespace
}  // namespace alertjoin

int main() { alertjoin::Run(); }
