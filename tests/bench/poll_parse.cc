// Workload: the answer to a range query, 30 MB of JSON as Prometheus writes it: 100 series with 6
// labels and some 11,000 points each, 15 s apart, half of them with times in whole seconds, half
// with milliseconds; values of 1 to 17 digits. It is parsed into columns; the columns are compared
// with what was written before anything is timed. The last line is the median speed of five; above
// it stands the most memory that parsing took, the answer itself included, as a multiple of the
// answer. Then the same with short points, [1700000000,"1"], of which there are the most in a
// given size.

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "ingest-service/prometheus/query_result.h"
#include "tests/bench/support/bench_tools.h"

namespace alertjoin {
namespace {

constexpr size_t kAnswerBytes = 30'000'000;
constexpr size_t kSeries = 100;
constexpr int64_t kFirstMs = 1'700'000'000'000;
constexpr int64_t kStepMs = 15'000;
constexpr int kRounds = 5;

void Require(bool holds, const char* what) {
  if (holds) return;
  fmt::print(stderr, "poll_parse: {}\n", what);
  std::exit(1);
}

struct Workload {
  bool short_points = false;

  int64_t TimeMs(size_t series, size_t point) const {
    const int64_t offset = series % 2 == 0 || short_points ? 0 : 123 + static_cast<int64_t>(series);
    return kFirstMs + static_cast<int64_t>(point) * kStepMs + offset;
  }
  double Value(size_t series, size_t point) const {
    const auto number = static_cast<double>(point * 7919 + series);
    if (short_points) return static_cast<double>(point % 2);
    if (point % 3 == 0) return static_cast<double>(point % 100);
    return point % 3 == 1 ? number / 64 : number / 3;
  }
  std::string Answer() const {
    std::string text = R"({"status":"success","data":{"resultType":"matrix","result":[)";
    for (size_t series = 0; series < kSeries; ++series) {
      text += fmt::format(
          R"({}{{"metric":{{"__name__":"http_requests_total","code":"200","env":"prod",)"
          R"("handler":"/api/v1/query_range","instance":"host-{}.example:9090","job":"api"}},)"
          R"("values":[)",
          series == 0 ? "" : ",", series);
      for (size_t point = 0; text.size() < (series + 1) * (kAnswerBytes / kSeries); ++point) {
        const int64_t ms = TimeMs(series, point);
        text += fmt::format("{}[{}", point == 0 ? "" : ",", ms / 1000);
        if (ms % 1000 != 0) text += fmt::format(".{:03}", ms % 1000);
        text += fmt::format(",\"{}\"]", Value(series, point));
      }
      text += "]}";
    }
    return text + "]}}";
  }
  // Gives the number of points.
  size_t Check(const QueryResult& result) const {
    size_t points = 0;
    Require(result.series.size() == kSeries, "series are missing");
    for (size_t series = 0; series < kSeries; ++series) {
      const ResultSeries& found = result.series[series];
      Require(found.labels.Get("instance") == fmt::format("host-{}.example:9090", series),
              "wrong labels");
      Require(found.times.size() == found.values.size(), "the columns differ");
      points += found.times.size();
      for (size_t point = 0; point < found.times.size(); ++point) {
        Require(found.times[point].millis() == TimeMs(series, point), "a wrong time");
        Require(found.values[point] == Value(series, point), "a wrong value");
      }
    }
    return points;
  }
};

// Of this process: its resident memory now, or the most since ResetPeak.
double StatusBytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::stod(line.substr(key.size())) * 1024;
  }
  Require(false, "/proc/self/status tells no memory");
  return 0;
}
void ResetPeak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

void MeasureMemory(const Workload& workload, const std::string& answer, const char* name) {
  ResetPeak();
  const double before = StatusBytes("VmRSS:");
  size_t points = 0;
  {
    const auto result = DecodeQueryAnswer(200, answer);
    const double peak = StatusBytes("VmHWM:");
    Require(result.ok(), "it is not parsed");
    points = workload.Check(*result);
    const auto bytes = static_cast<double>(answer.size());
    fmt::print("{}: {} bytes, {} points: peak memory {:.2f} x the answer, itself included\n", name,
               answer.size(), points, (bytes + std::max(peak - before, 0.0)) / bytes);
  }
}

double MegabytesPerSecond(const std::string& answer) {
  std::vector<double> seconds;
  std::vector<double> processor_seconds;
  for (int round = 0; round < kRounds; ++round) {
    const std::clock_t processor_begin = std::clock();
    const auto begin = BenchClock::now();
    const auto result = DecodeQueryAnswer(200, answer);
    seconds.push_back(SecondsSince(begin));
    processor_seconds.push_back(static_cast<double>(std::clock() - processor_begin) /
                                CLOCKS_PER_SEC);
    Require(result.ok() && result->series.size() == kSeries, "it is not parsed");
  }
  const double megabytes = static_cast<double>(answer.size()) / 1e6;
  // Much more than by the clock: the machine was busy with other things.
  fmt::print("by processor time: {:.0f} MB/s\n", megabytes / Median(processor_seconds));
  return megabytes / Median(seconds);
}

int Main() {
  const Workload short_points{true};
  const std::string short_answer = short_points.Answer();
  MeasureMemory(short_points, short_answer, "short points");
  fmt::print("short points: {:.0f} MB/s\n", MegabytesPerSecond(short_answer));
  const Workload usual;
  const std::string answer = usual.Answer();
  MeasureMemory(usual, answer, "range answer");
  fmt::print("poll_parse: {:.0f} MB/s\n", MegabytesPerSecond(answer));
  return 0;
}

}  // namespace
}  // namespace alertjoin

int main() { return alertjoin::Main(); }
