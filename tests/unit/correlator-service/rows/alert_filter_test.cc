#include "correlator-service/rows/alert_filter.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/alerts.h"

namespace alertjoin {
namespace {

Timestamp At(int64_t seconds) { return kRowsNow + std::chrono::seconds(seconds); }

Alert Lasting(int64_t from, std::optional<int64_t> to = {}) {
  AlertSpec spec;
  spec.starts_at = At(from);
  if (to) spec.ends_at = At(*to);
  spec.labels = {{"severity", "critical"}};
  return MakeAlert(spec);
}

TEST(AlertFilter, IsTheConjunctionOfWhatIsSet) {
  AlertFilter filter;
  EXPECT_TRUE(filter.Matches(Lasting(0)));
  filter.source = "am";
  filter.state = AlertState::kFiring;
  filter.matchers = *ParseMatchers("severity=critical");
  EXPECT_TRUE(filter.Matches(Lasting(0)));
  EXPECT_FALSE(filter.Matches(Lasting(0, 1)));
  EXPECT_TRUE(filter.Matches(Lasting(0, 1), AlertState::kFiring));
  filter.source = "other";
  EXPECT_FALSE(filter.Matches(Lasting(0)));
  filter.source = "";
  filter.matchers = *ParseMatchers("severity=info");
  EXPECT_FALSE(filter.Matches(Lasting(0)));
  filter.matchers = {};
  filter.scope = *ParseMatchers("severity=critical");
  EXPECT_TRUE(filter.Matches(Lasting(0)));
  filter.scope = *ParseMatchers("severity=info");
  EXPECT_FALSE(filter.Matches(Lasting(0)));
}

TEST(AlertFilter, DifferentFiltersHaveDifferentTexts) {
  std::vector<AlertFilter> filters(6);
  filters[1].state = AlertState::kFiring;
  filters[2].state = AlertState::kResolved;
  filters[3].matchers = *ParseMatchers("a=b");
  filters[4].source = "am";
  filters[5].scope = filters[3].matchers;
  std::set<std::string> texts;
  for (const AlertFilter& filter : filters) texts.insert(filter.ToString());
  EXPECT_EQ(texts.size(), filters.size());
}

TEST(FiredWithin, EpisodeMayBeginBeforeAndEndAfter) {
  EXPECT_TRUE(FiredWithin(Lasting(0, 10), {}, {}));
  EXPECT_TRUE(FiredWithin(Lasting(0, 10), At(5), At(6)));
  EXPECT_TRUE(FiredWithin(Lasting(0, 10), At(9), At(20)));
  EXPECT_TRUE(FiredWithin(Lasting(0), At(1000), At(1001)));
}

TEST(FiredWithin, RangeHasItsBeginningButNotItsEnd) {
  EXPECT_FALSE(FiredWithin(Lasting(0, 10), At(10), {}));
  EXPECT_FALSE(FiredWithin(Lasting(0, 10), {}, At(0)));
  EXPECT_TRUE(FiredWithin(Lasting(0, 10), At(0), At(1)));
  // Of no length: it fired at that moment.
  EXPECT_TRUE(FiredWithin(Lasting(5, 5), At(5), At(6)));
  EXPECT_FALSE(FiredWithin(Lasting(5, 5), At(6), {}));
  EXPECT_FALSE(FiredWithin(Lasting(5, 5), {}, At(5)));
}

}  // namespace
}  // namespace alertjoin
