#include "correlator-service/query/alert_statistics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/alerts.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

Timestamp AtMilli(int64_t millis) { return kRowsNow + Millis(millis); }

struct Episode {
  std::string alert;
  int64_t from = 0;
  std::optional<int64_t> to = {};
  std::string job = {};
};

Alert AlertOf(const Episode& episode) {
  AlertSpec spec;
  spec.alert = episode.alert;
  spec.starts_at = AtMilli(episode.from);
  if (episode.to) spec.ends_at = AtMilli(*episode.to);
  if (!episode.job.empty()) spec.labels = {{"job", episode.job}};
  return MakeAlert(spec);
}

AlertSummaryRange Range(int64_t from, int64_t to, int64_t flap_window = 10, int64_t now = 1000) {
  return {AtMilli(from), AtMilli(to), AtMilli(now), Millis(flap_window)};
}

std::string Describe(const AlertStatistics& statistics) {
  return fmt::format("{} alerts={} episodes={} firing={} flaps={} time={} last={}@{}",
                     ToString(statistics.labels), statistics.alerts, statistics.episodes,
                     statistics.firing, statistics.flaps, statistics.firing_time.count(),
                     statistics.last_state == AlertState::kFiring ? "FIRING" : "RESOLVED",
                     (statistics.last_event_time - kRowsNow).count());
}

std::vector<std::string> Summarize(const AlertSummaryRange& range,
                                   const std::vector<Episode>& episodes,
                                   std::vector<std::string> by = {"alertname"}) {
  AlertSummarizer summarizer(range, std::move(by));
  for (const Episode& episode : episodes) summarizer.Add(AlertOf(episode));
  std::vector<std::string> texts;
  for (const auto& group : summarizer.Summarize()) texts.push_back(Describe(group.statistics));
  return texts;
}

std::vector<std::string> Buckets(const AlertSummaryRange& range,
                                 const std::vector<Episode>& episodes, int64_t bucket) {
  AlertSummarizer summarizer(range, {"none"});
  for (const Episode& episode : episodes) summarizer.Add(AlertOf(episode));
  const auto groups = summarizer.Summarize();
  if (groups.empty()) return {};
  std::vector<std::string> texts;
  for (const auto& found : summarizer.Buckets(groups[0], Millis(bucket))) {
    texts.push_back(fmt::format("{}: +{} -{} {}", (found.start - kRowsNow).count(), found.fired,
                                found.resolved, found.firing_time.count()));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(AlertSummarizer, FiringTimeIsClippedToTheRange) {
  EXPECT_EQ(
      Summarize(Range(100, 200), {{"a", 50, 120}, {"a", 150, 160}, {"a", 190, 300}}),
      Texts{"{alertname=\"a\"} alerts=1 episodes=3 firing=1 flaps=0 time=40 last=FIRING@190"});
}

TEST(AlertSummarizer, WhatDidNotFireInTheRangeDoesNotCount) {
  EXPECT_EQ(Summarize(Range(100, 200), {{"a", 50, 100}, {"a", 200, 210}, {"b", 300}}), Texts{});
  EXPECT_EQ(Summarize(Range(100, 100), {{"a", 50, 150}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=1 flaps=0 time=0 "
                  "last=FIRING@50"});
}

TEST(AlertSummarizer, WhatLastsHasFiredUntilNow) {
  EXPECT_EQ(Summarize(Range(0, 1000, 10, 600), {{"a", 500}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=1 flaps=0 time=100 "
                  "last=FIRING@500"});
  EXPECT_EQ(Summarize(Range(0, 400, 10, 600), {{"a", 100}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=1 flaps=0 time=300 "
                  "last=FIRING@100"});
  // From the future, by a clock that is ahead.
  EXPECT_EQ(Summarize(Range(0, 1000, 10, 600), {{"a", 700}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=1 flaps=0 time=0 "
                  "last=FIRING@700"});
}

TEST(AlertSummarizer, EndThatWasNeverReportedIsTheNextStart) {
  EXPECT_EQ(Summarize(Range(0, 1000), {{"a", 300, 310}, {"a", 100}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=2 firing=0 flaps=0 time=210 "
                  "last=RESOLVED@310"});
  // Before the range it was over as well.
  EXPECT_EQ(Summarize(Range(400, 1000), {{"a", 300, 310}, {"a", 100}, {"a", 500, 510}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=0 flaps=0 time=10 "
                  "last=RESOLVED@510"});
}

TEST(AlertSummarizer, FlapBeginsSoonAfterTheLastEnd) {
  EXPECT_EQ(Summarize(Range(0, 1000, 10), {{"a", 10, 20}, {"a", 30, 40}, {"a", 51, 60}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=3 firing=0 flaps=1 time=29 "
                  "last=RESOLVED@60"});
  // The end may be before the range, the start may not.
  EXPECT_EQ(Summarize(Range(25, 1000, 10), {{"a", 10, 20}, {"a", 30, 40}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=0 flaps=1 time=10 "
                  "last=RESOLVED@40"});
  EXPECT_EQ(Summarize(Range(35, 1000, 10), {{"a", 10, 20}, {"a", 30, 40}}),
            Texts{"{alertname=\"a\"} alerts=1 episodes=1 firing=0 flaps=0 time=5 "
                  "last=RESOLVED@40"});
  // Another alert's end is none of its own.
  EXPECT_EQ(Summarize(Range(0, 1000, 10), {{"a", 10, 20}, {"b", 25, 40}}, {"none"}),
            Texts{"{} alerts=2 episodes=2 firing=0 flaps=0 time=25 last=RESOLVED@40"});
}

TEST(AlertSummarizer, GroupsGoByLabelsAndLongestFirst) {
  const std::vector<Episode> episodes = {
      {"a", 0, 10, "x"}, {"b", 0, 100, "x"}, {"c", 0, 30, "y"}, {"d", 0, 5}};
  const Texts by_job = Summarize(Range(0, 1000), episodes, {"job", "other"});
  ASSERT_EQ(by_job.size(), 3u);
  EXPECT_EQ(by_job[0],
            "{job=\"x\"} alerts=2 episodes=2 firing=0 flaps=0 time=110 last=RESOLVED@100");
  EXPECT_EQ(by_job[1], "{job=\"y\"} alerts=1 episodes=1 firing=0 flaps=0 time=30 last=RESOLVED@30");
  EXPECT_EQ(by_job[2], "{} alerts=1 episodes=1 firing=0 flaps=0 time=5 last=RESOLVED@5");
  EXPECT_EQ(Summarize(Range(0, 1000), episodes, {}).size(), 4u);
}

TEST(AlertSummarizer, LastStateIsThatOfTheLatestTransition) {
  // Of two at one moment, that of the later episode.
  EXPECT_EQ(Summarize(Range(0, 100), {{"a", 10, 20}, {"a", 20, 200}})[0],
            "{alertname=\"a\"} alerts=1 episodes=2 firing=1 flaps=1 time=90 last=FIRING@20");
  EXPECT_EQ(Summarize(Range(0, 100), {{"a", 10, 10}})[0],
            "{alertname=\"a\"} alerts=1 episodes=1 firing=0 flaps=0 time=0 last=RESOLVED@10");
  // An end at the end of the range is behind it.
  EXPECT_EQ(Summarize(Range(0, 100), {{"a", 10, 100}})[0],
            "{alertname=\"a\"} alerts=1 episodes=1 firing=1 flaps=0 time=90 last=FIRING@10");
}

TEST(AlertSummarizer, BucketsDivideTheRange) {
  EXPECT_EQ(Buckets(Range(0, 100), {{"a", 5, 45}, {"a", 90}, {"b", 20, 20}}, 20),
            (Texts{"0: +1 -0 15", "20: +1 -1 20", "40: +0 -1 5", "80: +1 -0 10"}));
  // The last one may be shorter.
  EXPECT_EQ(Buckets(Range(0, 50), {{"a", -5}}, 30), (Texts{"0: +0 -0 30", "30: +0 -0 20"}));
  EXPECT_EQ(Buckets(Range(0, 50), {{"a", 70}}, 30), Texts{});
}

// The same, moment by moment, of a bucket of the range that begins at `range_from`: what ends at
// the start of a bucket ends in it, but what ends at the start of the range is not of the range.
struct NaiveFigures {
  uint32_t episodes = 0, firing = 0, flaps = 0, fired = 0, resolved = 0;
  int64_t firing_time = 0;
};
NaiveFigures Naive(const std::vector<Episode>& sorted, int64_t from, int64_t to, int64_t now,
                   int64_t flap_window, int64_t range_from) {
  NaiveFigures figures;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const Episode& episode = sorted[i];
    const bool has_next = i + 1 < sorted.size();
    std::optional<int64_t> end = episode.to;
    if (!end && has_next && sorted[i + 1].from < to) end = sorted[i + 1].from;
    if (episode.from >= to) continue;
    const bool is_of_range = episode.from >= range_from || !end || *end > range_from;
    const bool ends_here = episode.to && *episode.to >= from && *episode.to < to;
    if (is_of_range && ends_here) ++figures.resolved;
    const bool fired = episode.from >= from || !end || *end > from;
    if (!fired) continue;
    ++figures.episodes;
    if (!end || *end >= to) ++figures.firing;
    for (int64_t t = from; t < to; ++t) {
      if (t >= episode.from && t < end.value_or(now)) ++figures.firing_time;
    }
    if (episode.from < from) continue;
    ++figures.fired;
    for (size_t j = 0; j < i; ++j) {
      if (sorted[j].to && episode.from - *sorted[j].to <= flap_window) {
        ++figures.flaps;
        break;
      }
    }
  }
  return figures;
}

// By no more episodes than must be known.
std::vector<std::string> SummarizeSparingly(const AlertSummaryRange& range,
                                            const std::vector<Episode>& episodes) {
  AlertSummarizer summarizer(range, {"alertname"});
  for (const Episode& episode : episodes) {
    if (!episode.to || AtMilli(*episode.to) > summarizer.MattersAfter()) {
      summarizer.Add(AlertOf(episode));
    }
  }
  if (const auto since = summarizer.UnsureSince()) {
    for (const Episode& episode : episodes) {
      const Timestamp start = AtMilli(episode.from);
      if (start >= *since && start < range.from) summarizer.NoteStart(AlertOf(episode));
    }
  }
  std::vector<std::string> texts;
  for (const auto& group : summarizer.Summarize()) texts.push_back(Describe(group.statistics));
  return texts;
}

TEST(AlertSummarizer, NeedsNotWhatEndedLongBefore) {
  const std::vector<Episode> episodes = {{"a", 10, 20}, {"a", 40, 80}, {"b", 100, 110}};
  // An end at 80 makes a flap at 100 if the window is 20.
  EXPECT_EQ(AlertSummarizer(Range(100, 200, 20), {}).MattersAfter(), AtMilli(79));
  EXPECT_EQ(SummarizeSparingly(Range(100, 200, 20), episodes).size(), 1u);
  // One without an end was over when the next one began, wherever that was.
  EXPECT_EQ(SummarizeSparingly(Range(100, 200, 20), {{"b", 5}, {"b", 10, 20}}), Texts{});
  EXPECT_EQ(SummarizeSparingly(Range(100, 200, 20), {{"b", 5}, {"a", 10, 20}}).size(), 1u);
}

TEST(AlertSummarizer, AgreesWithTheNaiveSumOnRandomEpisodes) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Episode> episodes;
    for (int64_t at = below(20), count = below(7); count > 0; --count) {
      Episode& episode = episodes.emplace_back(Episode{"a", at});
      at += below(15);
      if (below(4) != 0) episode.to = at;
      at += 1 + below(15);
    }
    const int64_t from = below(60);
    const int64_t to = from + below(60);
    const int64_t now = 150;
    const int64_t flap_window = below(12);
    const NaiveFigures naive = Naive(episodes, from, to, now, flap_window, from);
    std::vector<Episode> shuffled = episodes;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    AlertSummarizer summarizer(Range(from, to, flap_window, now), {"alertname"});
    for (const Episode& episode : shuffled) summarizer.Add(AlertOf(episode));
    const auto groups = summarizer.Summarize();
    Texts texts;
    for (const auto& group : groups) texts.push_back(Describe(group.statistics));
    ASSERT_EQ(SummarizeSparingly(Range(from, to, flap_window, now), shuffled), texts) << round;
    ASSERT_EQ(groups.empty(), naive.episodes == 0) << round;
    if (groups.empty()) continue;
    const AlertStatistics& found = groups[0].statistics;
    ASSERT_EQ(found.episodes, naive.episodes) << round;
    ASSERT_EQ(found.firing, naive.firing) << round;
    ASSERT_EQ(found.flaps, naive.flaps) << round;
    ASSERT_EQ(found.firing_time.count(), naive.firing_time) << round;
    const int64_t bucket = 1 + below(25);
    uint32_t fired = 0, resolved = 0;
    for (const auto& part : summarizer.Buckets(groups[0], Millis(bucket))) {
      const int64_t start = (part.start - kRowsNow).count();
      const NaiveFigures its =
          Naive(episodes, start, std::min(start + bucket, to), now, flap_window, from);
      ASSERT_EQ(part.firing_time.count(), its.firing_time) << round;
      ASSERT_EQ(part.fired, its.fired) << round;
      ASSERT_EQ(part.resolved, its.resolved) << round;
      fired += part.fired;
      resolved += part.resolved;
    }
    ASSERT_EQ(fired, naive.fired) << round;
    ASSERT_EQ(resolved, naive.resolved) << round;
  }
}

}  // namespace
}  // namespace alertjoin
