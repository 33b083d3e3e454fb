// 100,000 series are added while samples of known ones and transitions keep coming.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "correlator-service/join/engine.h"
#include "tests/support/join_events.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

constexpr size_t kSeries = 100'000;
constexpr size_t kSeriesPerRound = 250;
constexpr size_t kRounds = kSeries / kSeriesPerRound;
constexpr size_t kOldSamplesPerRound = 500;
constexpr size_t kAlertsPerRound = 40;
constexpr size_t kRoundsPerStream = 150;  // Then its table of series is left for another.
constexpr int64_t kRoundMs = 1'000;

LabelSet SeriesLabels(size_t number) {
  return LabelSet{{"__name__", "q"}, {"instance", fmt::format("host-{}", number)}, {"job", "node"}};
}

class Growth {
 public:
  explicit Growth(uint64_t seed) : random_(seed) {
    on_ = BindOn("q", {"instance", "job"});
    agreeing_ = BindAgreeing("q");
    on_.tolerance = agreeing_.tolerance = Millis(kRoundMs * static_cast<int64_t>(kRounds));
  }

  void Round(size_t round) {
    if (round % kRoundsPerStream == 0) {
      stream_ = SeriesTable();
      number_in_stream_.clear();
    }
    const int64_t now = kRoundMs * (static_cast<int64_t>(round) + 1);
    std::vector<Event> events;
    // Of any series, also of those that are still to come.
    for (size_t i = 0; i < kAlertsPerRound; ++i) AddAlert(random_() % kSeries, now, &events);
    SampleBatch samples;
    for (size_t i = 0; i < kSeriesPerRound; ++i) {
      const size_t series = round * kSeriesPerRound + i;
      // Its first sample is from before all alerts.
      AddSample(series, 0, &samples);
      AddSample(series, now - 1, &samples);
    }
    for (size_t i = 0; i < kOldSamplesPerRound && round > 0; ++i) {
      // Now and then late.
      const int64_t late = random_() % 5 == 0 ? static_cast<int64_t>(random_() % 5'000) : 0;
      AddSample(random_() % (round * kSeriesPerRound), std::max(now - late, int64_t{1}), &samples);
    }
    samples.series = stream_;
    events.emplace_back(std::move(samples));
    Apply(std::move(events));
  }

  void Check() {
    const EngineStats stats = engine_.stats();
    EXPECT_EQ(stats.series, kSeries);
    EXPECT_EQ(stats.rows, alerts_.size());
    EXPECT_EQ(stats.samples_refused, 0u);
    EXPECT_EQ(stats.rows_refused, 0u);
    const std::vector<JoinedRow> rows = engine_.Rows();
    ASSERT_EQ(rows.size(), alerts_.size());
    EXPECT_EQ(readable_, alerts_.size()) << "rows that the changes add up to";
    for (const JoinedRow& row : rows) {
      const auto alert = alerts_.find(row.transition->fingerprint);
      ASSERT_NE(alert, alerts_.end());
      ASSERT_EQ(row.match.state, MatchState::kMatched) << DescribeFully(row);
      ASSERT_EQ(row.match.series->labels, SeriesLabels(alert->second));
      const auto& times = times_[alert->second];
      const auto newest = std::prev(times.upper_bound(row.transition->starts_at.millis()));
      ASSERT_EQ(row.match.sample_time, At(newest->first)) << DescribeFully(row);
      ASSERT_EQ(row.match.value, newest->second) << DescribeFully(row);
    }
  }

  size_t deleted() const { return deleted_; }
  size_t without_series() const { return without_series_; }

 private:
  void AddAlert(size_t series, int64_t now, std::vector<Event>* events) {
    const bool agrees = alerts_.size() % 2 == 0;
    TransitionEvent event = Firing({{"alertname", agrees ? "Agreeing" : "Bound"},
                                    {"instance", fmt::format("host-{}", series)},
                                    {"job", "node"}},
                                   now, {agrees ? agreeing_ : on_});
    event.fingerprint = std::to_string(alerts_.size());
    alerts_.emplace(event.fingerprint, series);
    if (series >= times_.size()) ++without_series_;
    events->emplace_back(std::move(event));
  }

  void AddSample(size_t series, int64_t time, SampleBatch* batch) {
    const auto [number, is_new] =
        number_in_stream_.emplace(series, static_cast<uint32_t>(stream_.size()));
    if (is_new) {
      stream_.push_back(std::make_shared<const SeriesKey>(SeriesKey{query_, SeriesLabels(series)}));
    }
    if (series >= times_.size()) times_.resize(series + 1);
    const double value = static_cast<double>(++samples_);
    times_[series][time] = value;
    batch->series_index.push_back(number->second);
    batch->times.push_back(At(time));
    batch->values.push_back(value);
  }

  void Apply(std::vector<Event> events) {
    for (const JoinedRow& row : engine_.Apply(std::move(events), At(1))) {
      if (row.operation == Operation::kDelete) {
        ++deleted_;
        --readable_;
        ASSERT_EQ(row.match.state, MatchState::kNoSeries);
      } else if (row.revision == 1) {
        ++readable_;
      }
    }
  }

  std::mt19937_64 random_;
  const std::shared_ptr<const Query> query_ = std::make_shared<const Query>(QueryNamed("q"));
  Binding on_, agreeing_;
  Engine engine_{EngineLimits{}};
  SeriesTable stream_;
  std::map<size_t, uint32_t> number_in_stream_;
  // What came: the series of each alert, the samples of each series.
  std::map<std::string, size_t> alerts_;
  std::vector<std::map<int64_t, double>> times_;
  size_t samples_ = 0, deleted_ = 0, readable_ = 0, without_series_ = 0;
};

TEST(EngineGrowth, AHundredThousandSeriesUnderLoad) {
  const uint64_t seed = TestSeed();
  Growth growth(seed);
  for (size_t round = 0; round < kRounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(growth.Round(round)) << "seed " << seed;
  }
  ASSERT_NO_FATAL_FAILURE(growth.Check()) << "seed " << seed;
  // Alerts whose series came in the same batch, or later, waited for it in a row of their own; only
  // the latter were shown.
  EXPECT_GT(growth.deleted(), kRounds * kAlertsPerRound / 4);
  EXPECT_LE(growth.deleted(), growth.without_series());
}

}  // namespace
}  // namespace alertjoin
