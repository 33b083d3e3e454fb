#include "ingest-service/backfill/backfill_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

TimeRange Range(int64_t from, int64_t through) {
  return {Timestamp::FromMillis(from), Timestamp::FromMillis(through)};
}

BackfillReport Report() {
  BackfillReport report;
  report.query = {"prom", "depth", "depth", TimeKind::kSample};
  report.wanted = Range(0, 86'399'999);
  report.total = hours(24);
  report.left = hours(24);
  return report;
}

TEST(BackfillReport, FailuresSideBySideForOneReasonAreOne) {
  BackfillReport report = Report();
  AddFailure(report, {Range(0, 9), "down"});
  AddFailure(report, {Range(10, 19), "down"});
  AddFailure(report, {Range(20, 29), "up"});
  AddFailure(report, {Range(40, 49), "up"});
  ASSERT_THAT(report.failures, SizeIs(3));
  EXPECT_EQ(report.failures[0].range, Range(0, 19));
}

TEST(BackfillReport, TotalsAreOfAllQueries) {
  BackfillReport half = Report();
  half.left = hours(12);
  half.samples = 1'234'000;
  half.chunks = 3;
  BackfillReport done = Report();
  done.left = Millis(0);
  done.samples = 567;
  done.finished = true;
  AddFailure(done, {Range(0, 9), "down"});
  const BackfillTotals totals = TotalsOf({half, done});
  EXPECT_EQ(totals.done, 0.75);
  EXPECT_EQ(ProgressLine(totals, seconds(30)),
            "backfill:  75%  1/2 queries  1,234,567 samples  1 failed  10s left  3 chunks so far");
  // Nothing to do is all done.
  EXPECT_EQ(TotalsOf({}).done, 1);
}

TEST(BackfillReport, TheBarFitsTheTerminal) {
  BackfillTotals totals;
  totals.done = 0.5;
  totals.samples = 1;
  totals.queries = 1;
  EXPECT_EQ(ProgressBar(totals, seconds(4), 200),
            "[###############---------------]  50%  0/1 queries  1 sample  4s left");
  EXPECT_EQ(ProgressBar(totals, seconds(4), 50),
            "[#####-----]  50%  0/1 queries  1 sample  4s left");
  for (size_t columns = 1; columns < 100; ++columns) {
    EXPECT_LT(ProgressBar(totals, seconds(4), columns).size(), columns);
  }
}

TEST(BackfillReport, ResultsSayWhatFailedAndWhatWasInVain) {
  BackfillReport report = Report();
  report.samples = 5'000;
  report.chunks = 1;
  report.samples_too_old = 4'000;
  AddFailure(report, {Range(3'600'000, 7'199'999), "prom: HTTP 503"});
  EXPECT_THAT(
      ResultLines(report),
      ElementsAre("prom: depth: 1970-01-01T00:00:00.000Z to 1970-01-01T23:59:59.999Z: "
                  "5,000 samples in 1 chunk",
                  "prom: depth: 4,000 samples are older than the correlator keeps them, and "
                  "refused there: make its retention.samples longer, then run this with --again",
                  "prom: depth: FAILED 1970-01-01T01:00:00.000Z to 1970-01-01T01:59:59.999Z: "
                  "prom: HTTP 503"));
  report = Report();
  report.total = Millis(0);
  EXPECT_THAT(ResultLines(report), ElementsAre("prom: depth: 1970-01-01T00:00:00.000Z to "
                                               "1970-01-01T23:59:59.999Z was done before"));
}

}  // namespace
}  // namespace alertjoin
