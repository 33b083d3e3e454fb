#include "ingest-service/backfill/backfill_events.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Millis kLookback(300);
const LabelSet kA = {{"x", "a"}};
const LabelSet kB = {{"x", "b"}};

Timestamp At(int64_t ms) { return Timestamp::FromMillis(ms); }
TimeRange Range(int64_t from, int64_t through) { return {At(from), At(through)}; }

// Times of each series; the value is the time.
QueryResult Result(const std::map<LabelSet, std::vector<int64_t>>& series) {
  QueryResult result;
  for (const auto& [labels, times] : series) {
    ResultSeries& added = result.series.emplace_back();
    added.labels = labels;
    for (const int64_t time : times) {
      added.times.push_back(At(time));
      added.values.push_back(static_cast<double>(time));
    }
  }
  return result;
}
// First, first + step, ..., last.
std::vector<int64_t> Every(int64_t step, int64_t first, int64_t last) {
  std::vector<int64_t> times;
  for (int64_t time = first; time <= last; time += step) times.push_back(time);
  return times;
}

std::vector<std::string> Markers(const BackfillChunkEvents& chunk) {
  std::vector<std::string> lines;
  for (const Event& event : chunk.events) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    for (size_t i = 0; batch != nullptr && i < batch->size(); ++i) {
      if (!IsStaleMarker(batch->values[i])) continue;
      lines.push_back(fmt::format("{} {}", batch->series[batch->series_index[i]]->labels.Get("x"),
                                  batch->times[i].millis()));
    }
  }
  return lines;
}
std::vector<std::string> Claims(const BackfillChunkEvents& chunk) {
  std::vector<std::string> lines;
  for (const Event& event : chunk.events) {
    const auto* progress = std::get_if<QueryProgress>(&event);
    if (progress == nullptr) continue;
    lines.push_back(fmt::format("{}..{}", progress->complete_from.millis(),
                                progress->complete_through.millis()));
  }
  return lines;
}

class BackfillEventsTest : public ::testing::Test {
 protected:
  BackfillChunkEvents Selector(int64_t from, int64_t through,
                               const std::map<LabelSet, std::vector<int64_t>>& samples,
                               const std::map<LabelSet, std::vector<int64_t>>& presence) {
    return selector_.OfSelector(Range(from, through), Result(samples), Result(presence), At(9999));
  }
  BackfillChunkEvents Grid(int64_t from, int64_t through,
                           const std::map<LabelSet, std::vector<int64_t>>& values) {
    return grid_.OfGrid(Range(from, through), Millis(100), Result(values), At(9999));
  }

  BackfillEvents selector_{{"p", "up", "up", TimeKind::kSample}, kLookback};
  BackfillEvents grid_{{"p", "sum(up)", "sum(up)", TimeKind::kEvaluation}, kLookback};
};

TEST_F(BackfillEventsTest, AnUnbrokenSeriesIsProvedFromTheLookbackOn) {
  const auto chunk = Selector(0, 999, {{kA, Every(100, 50, 950)}}, {{kA, {999}}});
  EXPECT_EQ(chunk.samples, 10u);
  EXPECT_EQ(chunk.points, 10u);
  EXPECT_THAT(Markers(chunk), IsEmpty());
  // A series that ended just before the chunk would not have been seen.
  EXPECT_THAT(Claims(chunk), ElementsAre("301..999"));
  // The next one goes on without a seam.
  EXPECT_THAT(Claims(Selector(1000, 1999, {{kA, Every(100, 1050, 1950)}}, {{kA, {1999}}})),
              ElementsAre("1000..1999"));
  // One that does not follow begins anew.
  EXPECT_THAT(Claims(Selector(3000, 3999, {{kA, Every(100, 3050, 3950)}}, {{kA, {3999}}})),
              ElementsAre("3301..3999"));
}

TEST_F(BackfillEventsTest, SamplesOutsideOfTheChunkAreLeftOut) {
  // The left edge of a range is part of it for some servers.
  const auto chunk = Selector(100, 199, {{kA, {99, 100, 150, 199, 200}}}, {{kA, {199}}});
  EXPECT_EQ(chunk.samples, 3u);
}

TEST_F(BackfillEventsTest, AHoleInOneSeriesIsNotClaimedForTheQuery) {
  auto times = Every(100, 50, 1950);
  std::erase(times, 1050);  // A scrape failed: Prometheus wrote a marker that no range shows.
  const auto chunk =
      Selector(0, 1999, {{kA, times}, {kB, Every(100, 20, 1920)}}, {{kA, {1999}}, {kB, {1999}}});
  EXPECT_THAT(Claims(chunk), ElementsAre("301..950", "1150..1999"));
  EXPECT_THAT(Markers(chunk), IsEmpty());
}

TEST_F(BackfillEventsTest, AHoleBetweenTwoChunksIsFoundToo) {
  Selector(0, 999, {{kA, Every(100, 50, 950)}}, {{kA, {999}}});
  EXPECT_THAT(Claims(Selector(1000, 1999, {{kA, Every(100, 1150, 1950)}}, {{kA, {1999}}})),
              ElementsAre("1150..1999"));
}

TEST_F(BackfillEventsTest, ASeriesThatIsGoneAtTheEndGetsAMarkerThere) {
  const auto chunk =
      Selector(0, 999, {{kA, Every(100, 50, 750)}, {kB, Every(100, 50, 950)}}, {{kB, {999}}});
  EXPECT_THAT(Markers(chunk), ElementsAre("a 999"));
  EXPECT_THAT(Claims(chunk), ElementsAre("301..750", "999..999"));
  // It stays away, and comes back: nothing is unknown about that.
  EXPECT_THAT(
      Claims(Selector(1000, 1999, {{kA, Every(100, 1550, 1950)}, {kB, Every(100, 1050, 1950)}},
                      {{kA, {1999}}, {kB, {1999}}})),
      ElementsAre("1000..1999"));
}

TEST_F(BackfillEventsTest, ASeriesThatHasMerelyGrownOldGetsNoMarker) {
  const auto chunk = Selector(0, 1999, {{kA, Every(100, 50, 750)}}, {});
  EXPECT_THAT(Markers(chunk), IsEmpty());
  // It may have ended while its value was kept alive, and not later.
  EXPECT_THAT(Claims(chunk), ElementsAre("301..750", "1051..1999"));
}

TEST_F(BackfillEventsTest, ASeriesThatEndedRightBehindTheSeamIsKnown) {
  Selector(0, 999, {{kA, Every(100, 50, 950)}}, {{kA, {999}}});
  const auto chunk = Selector(1000, 1199, {}, {});
  EXPECT_THAT(Markers(chunk), ElementsAre("a 1199"));
  EXPECT_THAT(Claims(chunk), ElementsAre("1199..1199"));
}

TEST_F(BackfillEventsTest, APartialAnswerProvesNothing) {
  QueryResult samples = Result({{kA, Every(100, 50, 750)}});
  samples.partial = true;
  const auto chunk = selector_.OfSelector(Range(0, 999), samples, Result({}), At(9999));
  EXPECT_EQ(chunk.samples, 8u);
  EXPECT_THAT(Markers(chunk), IsEmpty());
  EXPECT_THAT(Claims(chunk), IsEmpty());
  // Nor does what follows rely on it.
  EXPECT_THAT(Claims(Selector(1000, 1999, {{kA, Every(100, 1050, 1950)}}, {{kA, {1999}}})),
              ElementsAre("1301..1999"));
}

TEST_F(BackfillEventsTest, SeriesBeyondALimitAreToldAndClaimNothing) {
  LabelSet long_labels = {{"x", std::string(5000, 'a')}};
  const auto chunk =
      Selector(0, 999, {{kA, Every(100, 50, 950)}, {long_labels, {50}}}, {{kA, {999}}});
  EXPECT_EQ(chunk.samples, 10u);
  EXPECT_EQ(chunk.series_refused, 1u);
  EXPECT_THAT(Claims(chunk), IsEmpty());
  const auto* gap = std::get_if<Gap>(&chunk.events.back());
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->through, At(999));
  EXPECT_THAT(gap->reason, HasSubstr("1 series are beyond a limit"));
}

TEST_F(BackfillEventsTest, ManySamplesBecomeSeveralEvents) {
  const auto chunk = Selector(0, 99'999, {{kA, Every(1, 0, 49'999)}, {kB, Every(1, 0, 4'999)}}, {});
  EXPECT_EQ(chunk.samples, 55'000u);
  EXPECT_EQ(chunk.series_points_max, 50'000u);
  size_t samples = 0;
  for (const Event& event : chunk.events) {
    const auto* batch = std::get_if<SampleBatch>(&event);
    if (batch == nullptr) continue;
    EXPECT_LE(batch->size(), BackfillEvents::kSamplesPerEvent);
    samples += batch->size();
    for (size_t i = 0; i < batch->size(); ++i) {
      EXPECT_EQ(batch->values[i], static_cast<double>(batch->times[i].millis()));
    }
  }
  EXPECT_EQ(samples, 55'000u);
}

TEST_F(BackfillEventsTest, AGridProvesItsMomentsAndWhereASeriesIsNot) {
  const auto chunk = Grid(0, 400, {{kA, {0, 100, 300}}, {kB, {200, 300, 400}}});
  EXPECT_THAT(Markers(chunk), ElementsAre("a 200", "a 400"));
  EXPECT_THAT(Claims(chunk), ElementsAre("0..0", "100..100", "200..200", "300..300", "400..400"));
  // Across the seam: b ends, a stays away.
  EXPECT_THAT(Markers(Grid(500, 600, {})), ElementsAre("b 500"));
  EXPECT_THAT(Markers(Grid(700, 800, {{kA, {800}}})), IsEmpty());
}

TEST_F(BackfillEventsTest, APartialGridProvesNothing) {
  QueryResult values = Result({{kA, {0, 200}}});
  values.partial = true;
  const auto chunk = grid_.OfGrid(Range(0, 400), Millis(100), values, At(9999));
  EXPECT_EQ(chunk.samples, 2u);
  EXPECT_THAT(Markers(chunk), IsEmpty());
  EXPECT_THAT(Claims(chunk), IsEmpty());
  EXPECT_THAT(Markers(Grid(500, 600, {})), IsEmpty());
}

TEST_F(BackfillEventsTest, AGridOfVeryManyMomentsClaimsNone) {
  EXPECT_THAT(Claims(Grid(0, 100 * 1'000, {{kA, {0}}})), IsEmpty());
}

}  // namespace
}  // namespace alertjoin
