#include "tests/unit/ingest-service/prometheus/simulated_prometheus.h"

#include <fmt/format.h>

#include "common/time/duration.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

constexpr Millis kLookback = std::chrono::minutes(5);
constexpr Millis kScrape = std::chrono::seconds(4);

Timestamp TimeOf(const SentQuery& sent, const std::string& parameter) {
  return *ParseRfc3339(sent.parameters.at(parameter));
}

}  // namespace

SimulatedPrometheus::SimulatedPrometheus(Timestamp start, Timestamp end, Millis commit_delay_max,
                                         std::mt19937_64& random) {
  const auto below = [&](Millis bound) {
    return Millis(static_cast<int64_t>(random() % static_cast<uint64_t>(bound.count())));
  };
  for (int i = 0; i < 5; ++i) {
    auto& samples = series_[{{"__name__", "x"}, {"i", std::to_string(i)}}];
    Timestamp time = start + below(std::chrono::minutes(3));
    double value = i * 1000;
    while (time < end) {
      const bool ends = random() % 12 == 0;
      samples.push_back({time, time + below(commit_delay_max), ends ? StaleMarker() : ++value});
      if (ends && random() % 4 == 0) break;
      if (ends) time = time + std::chrono::minutes(1) + below(std::chrono::minutes(3));
      time = time + kScrape - Millis(50) + below(Millis(100));
    }
  }
}

std::optional<SimulatedPrometheus::Sample> SimulatedPrometheus::AsOf(
    const std::vector<Sample>& samples, Timestamp time, Timestamp now) const {
  std::optional<Sample> newest;
  for (const Sample& sample : samples) {
    if (sample.time <= time && sample.visible_from <= now) newest = sample;
  }
  if (!newest.has_value() || IsStaleMarker(newest->value)) return std::nullopt;
  if (newest->time <= time - kLookback) return std::nullopt;
  return newest;
}

std::optional<SimulatedPrometheus::Sample> SimulatedPrometheus::TruthAt(const LabelSet& series,
                                                                        Timestamp time) const {
  return AsOf(series_.at(series), time, Timestamp::Max());
}

std::string SimulatedPrometheus::Answer(const SentQuery& sent, Timestamp now) const {
  const bool doubled = sent.query == "x * 2";
  std::map<LabelSet, Points> answer;
  for (const auto& [labels, samples] : series_) {
    const LabelSet shown = doubled ? labels.Without("__name__") : labels;
    const auto add = [&, &of = samples](Timestamp time) {
      const auto sample = AsOf(of, time, now);
      if (!sample.has_value()) return;
      answer[shown].emplace_back(time.millis(),
                                 fmt::format("{}", doubled ? 2 * sample->value : sample->value));
    };
    if (sent.path == "/api/v1/query_range") {
      const Millis step = *ParseDuration(sent.parameters.at("step"));
      for (Timestamp time = TimeOf(sent, "start"); time <= TimeOf(sent, "end");
           time = time + step) {
        add(time);
      }
    } else if (sent.query.find('[') == std::string::npos) {
      add(TimeOf(sent, "time"));
    } else {
      const Timestamp time = TimeOf(sent, "time");
      const Millis window = *ParseDuration(sent.query.substr(2, sent.query.size() - 3));
      for (const Sample& sample : samples) {
        if (sample.time <= time - window || sample.time > time) continue;
        if (sample.visible_from > now || IsStaleMarker(sample.value)) continue;
        answer[shown].emplace_back(sample.time.millis(), fmt::format("{}", sample.value));
      }
    }
  }
  return MatrixAnswer(answer);
}

}  // namespace alertjoin
