#include "correlator-service/rows/row_filter.h"

#include <gtest/gtest.h>

#include "tests/support/joined_rows.h"

namespace alertjoin {
namespace {

TEST(RowFilter, EmptyOneMatchesEveryRow) {
  for (const MatchState state : {MatchState::kMatched, MatchState::kUnbound}) {
    RowSpec spec;
    spec.match_state = state;
    EXPECT_TRUE(RowFilter().Matches(MakeRow(spec)));
  }
}

TEST(RowFilter, EveryPartMustMatch) {
  RowSpec spec;
  spec.alert = "Disk";
  spec.final = true;
  RowFilter filter;
  filter.matchers = *ParseMatchers("alertname=Disk");
  filter.state = AlertState::kFiring;
  filter.query_name = "q";
  filter.final_only = true;
  filter.match_state = MatchState::kMatched;
  EXPECT_TRUE(filter.Matches(MakeRow(spec)));

  RowSpec other = spec;
  other.alert = "Memory";
  EXPECT_FALSE(filter.Matches(MakeRow(other)));
  other = spec;
  other.state = AlertState::kResolved;
  EXPECT_FALSE(filter.Matches(MakeRow(other)));
  other = spec;
  other.query_name = "p";
  EXPECT_FALSE(filter.Matches(MakeRow(other)));
  other = spec;
  other.final = false;
  EXPECT_FALSE(filter.Matches(MakeRow(other)));
  other = spec;
  other.match_state = MatchState::kNoSeries;
  EXPECT_FALSE(filter.Matches(MakeRow(other)));
}

TEST(RowFilter, AReaderSeesItsAlertsWithSeriesThatAreNotOfOthers) {
  RowFilter filter;
  filter.scope = *ParseMatchers("alertname=Disk,instance=~\"a.*\"");
  const auto row_of = [](const std::string& alert, const std::string& instance) {
    RowSpec spec;
    spec.alert = alert;
    spec.labels = LabelSet({{"instance", "a1"}});
    JoinedRow row = MakeRow(spec);
    row.match.series = std::make_shared<const SeriesKey>(
        SeriesKey{nullptr, instance.empty() ? LabelSet() : LabelSet({{"instance", instance}})});
    return row;
  };
  EXPECT_TRUE(filter.Matches(row_of("Disk", "a1")));
  EXPECT_TRUE(filter.Matches(row_of("Disk", "")));
  EXPECT_FALSE(filter.Matches(row_of("Disk", "b1")));
  EXPECT_FALSE(filter.Matches(row_of("Memory", "a1")));
}

// It may quote series of others. That the query is refused is told.
TEST(RowFilter, AReaderWithAScopeIsNotToldWhatAnErrorSays) {
  JoinedRow row = MakeRow({});
  RowFilter filter;
  const auto told = [&] {
    const auto in_scope = filter.InScope(std::make_shared<const JoinedRow>(row));
    return in_scope->match.query_error == nullptr ? "" : *in_scope->match.query_error;
  };
  EXPECT_EQ(told(), "");
  row.match.query_error = std::make_shared<const std::string>("many matches for {team=\"b\"}");
  EXPECT_EQ(told(), *row.match.query_error);
  filter.scope = *ParseMatchers("team=a");
  EXPECT_EQ(told(), "the text is not shown to readers with a filter");
  row.match.query_error = nullptr;
  EXPECT_EQ(told(), "");
}

TEST(RowFilter, UnboundRowHasNoQueryName) {
  RowSpec spec;
  spec.match_state = MatchState::kUnbound;
  RowFilter filter;
  filter.query_name = "q";
  EXPECT_FALSE(filter.Matches(MakeRow(spec)));
}

TEST(RowFilter, TextTellsFiltersApartAndOnlyThem) {
  RowFilter a;
  a.matchers = *ParseMatchers("a=1,b=2");
  RowFilter b;
  b.matchers = *ParseMatchers("{b=\"2\", a=1}");
  EXPECT_EQ(a.ToString(), b.ToString());
  b.final_only = true;
  EXPECT_NE(a.ToString(), b.ToString());
  RowFilter c;
  c.query_name = "final_only=true";
  RowFilter d;
  d.final_only = true;
  EXPECT_NE(c.ToString(), d.ToString());
  EXPECT_NE(ArgumentHash(c.ToString()), ArgumentHash(d.ToString()));
}

}  // namespace
}  // namespace alertjoin
