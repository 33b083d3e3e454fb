#include "correlator-service/query/alert_context.h"

#include <fmt/format.h>

#include "correlator-service/rows/memory_row_store.h"
#include "tests/unit/correlator-service/query/tables_fixture.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

class AlertContextTest : public TablesTest {
 protected:
  // Applies the events and commits the rows that follow.
  template <typename... Events>
  void Join(Events... events) {
    std::vector<Event> batch;
    (batch.emplace_back(std::move(events)), ...);
    store_.Commit({.changes = engine_.Apply(std::move(batch), At(0))}).value();
  }
  // The id of the only row whose series has this label.
  std::string RowOf(const std::string& i) {
    for (const SharedRow& row : store_.ReadRows({}, 100).rows) {
      if (row->match.series != nullptr && row->match.series->labels.Get("i") == i) {
        return ToHex(row->id);
      }
    }
    ADD_FAILURE() << "no row";
    return "";
  }
  v1::GetAlertContextResponse Get(const v1::GetAlertContextRequest& request) {
    auto response = GetAlertContext(tables_, store_, request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? *std::move(response) : v1::GetAlertContextResponse();
  }
  // "q{i="1"}: 10 [20] 30", the chosen one in brackets.
  static std::string Describe(const v1::ContextSeries& series) {
    std::string text = NameOf(series.series()) + ":";
    for (int i = 0; i < series.samples_size(); ++i) {
      const bool chosen = series.has_chosen_index() && series.chosen_index() == i;
      const int ms = series.samples(i).time().nanos() / 1'000'000;
      text += chosen ? fmt::format(" [{}]", ms) : fmt::format(" {}", ms);
    }
    return text;
  }
  static std::vector<std::string> Describe(const v1::GetAlertContextResponse& response) {
    std::vector<std::string> texts;
    for (const auto& series : response.series()) texts.push_back(Describe(series));
    return texts;
  }
  v1::GetAlertContextRequest Around(const std::string& row_id, int before, int after) {
    v1::GetAlertContextRequest request;
    request.set_row_id(row_id);
    request.mutable_before()->set_nanos(before * 1'000'000);
    request.mutable_after()->set_nanos(after * 1'000'000);
    return request;
  }

  prometheus::Registry registry_;
  MemoryRowStore store_{registry_};
};

TEST_F(AlertContextTest, ShowsTheSamplesAroundWithTheRowsOwnOneMarked) {
  Join(Samples("q", {{"i", "1"}}, {{70, 1}, {80, 2}, {90, 3}, {99, 4}, {110, 5}, {120, 6}}),
       Firing({{"i", "1"}}, 100, {BindOn("q")}));
  const auto response = Get(Around(RowOf("1"), 15, 10));
  // And the last one before the window.
  EXPECT_THAT(Describe(response), ElementsAre("q{i=\"1\"}: 80 90 [99] 110"));
  EXPECT_EQ(response.row().row_id(), RowOf("1"));
  EXPECT_FALSE(response.truncated());
}

TEST_F(AlertContextTest, OtherSeriesOfTheAlertComeNextAndThenThoseAskedFor) {
  Join(Samples("q", {{"i", "1"}}, {{90, 1}}), Samples("q", {{"i", "2"}}, {{95, 1}}),
       Samples("p", {{"i", "9"}}, {{93, 1}}), Samples("p", {{"i", "8"}}, {{94, 1}}),
       Firing({{"a", "x"}}, 100, {BindOn("q", {})}));
  auto request = Around(RowOf("2"), 10, 10);
  EXPECT_THAT(Describe(Get(request)), ElementsAre("q{i=\"2\"}: [95]", "q{i=\"1\"}: 90"));
  *request.add_also() = Of("p", "i=9");
  *request.add_also() = Of("q");  // Is there already.
  EXPECT_THAT(Describe(Get(request)),
              ElementsAre("q{i=\"2\"}: [95]", "q{i=\"1\"}: 90", "p{i=\"9\"}: 93"));
}

// However many alerts begin in the same moment, as those of one evaluation of a rule do.
TEST_F(AlertContextTest, SeriesOfTheAlertAreFoundAmongManyOfItsMoment) {
  Join(Samples("q", {{"i", "1"}}, {{90, 1}}), Samples("q", {{"i", "2"}}, {{95, 1}}));
  for (int i = 0; i < 1200; ++i) {
    Join(Firing({{"a", std::to_string(i)}}, 100, {BindOn("q", {})}));
  }
  const auto rows = store_.ReadRows({}, 10'000).rows;
  ASSERT_EQ(rows.size(), 2400u);
  for (size_t i = 0; i < rows.size(); i += 40) {
    const auto response = Get(Around(ToHex(rows[i]->id), 10, 10));
    EXPECT_EQ(response.series_size(), 2) << i;
    EXPECT_FALSE(response.truncated()) << i;
  }
  int asked = 0;
  const auto gone = GetAlertContext(
      tables_, store_, Around(ToHex(rows[0]->id), 10, 10), {},
      [&asked] { return ++asked == 2 ? absl::CancelledError("gone") : absl::OkStatus(); });
  EXPECT_THAT(gone, StatusIs(absl::StatusCode::kCancelled, "gone"));
  EXPECT_EQ(asked, 2);
}

TEST_F(AlertContextTest, SaysWhenSeriesWereLeftOut) {
  for (int i = 1; i <= 100; ++i) {
    Join(Samples("q", LabelSet{{"i", std::to_string(i)}}, {{90, 1}}));
  }
  Join(Samples("p", {{"i", "1"}}, {{90, 1}}), Firing({{"a", "1"}}, 100, {BindOn("q", {})}));
  auto request = Around(RowOf("1"), 15, 10);
  *request.add_also() = Of("q");  // All there already.
  EXPECT_EQ(Get(request).series_size(), 100);
  EXPECT_FALSE(Get(request).truncated());
  *request.add_also() = Of("p");
  EXPECT_EQ(Get(request).series_size(), 100);
  EXPECT_TRUE(Get(request).truncated());
  request.clear_also();
  Join(Samples("q", {{"i", "101"}}, {{90, 1}}));
  EXPECT_EQ(Get(request).series_size(), 100);
  EXPECT_TRUE(Get(request).truncated());
}

TEST_F(AlertContextTest, ARowWhoseSamplesAreGoneStillShowsItsOwn) {
  Join(Samples("q", {{"i", "1"}}, {{90, 7}}), Firing({{"i", "1"}}, 100, {BindOn("q")}));
  engine_.Apply({Samples("q", {{"i", "1"}}, {{1000, 8}, {1001, 9}})}, At(0));
  engine_.Expire(At(1001), Timestamp::Min(), At(0));
  const auto response = Get(Around(RowOf("1"), 50, 50));
  EXPECT_THAT(Describe(response), ElementsAre("q{i=\"1\"}: [90]"));
  EXPECT_EQ(response.series(0).samples(0).value(), 7);
}

TEST_F(AlertContextTest, SaysWhenSamplesWereLeftOut) {
  Join(Samples("q", {{"i", "1"}}, {{90, 1}, {95, 1}, {99, 1}}),
       Firing({{"i", "1"}}, 100, {BindOn("q")}));
  auto request = Around(RowOf("1"), 15, 10);
  request.set_samples_max(2);
  const auto response = Get(request);
  EXPECT_TRUE(response.truncated());
  // The row's own one is there all the same.
  EXPECT_THAT(Describe(response), ElementsAre("q{i=\"1\"}: 90 95 [99]"));
}

TEST_F(AlertContextTest, ARowWithoutSeriesHasNoSamples) {
  Join(Firing({{"i", "1"}}, 100, {BindOn("q")}));
  v1::GetAlertContextRequest request;
  request.set_row_id(ToHex(store_.ReadRows({}, 1).rows.at(0)->id));
  const auto response = Get(request);
  EXPECT_EQ(response.series_size(), 0);
  EXPECT_EQ(response.row().match().state(), v1::MATCH_STATE_NO_SERIES);
}

TEST_F(AlertContextTest, BadArgumentsAreNamed) {
  v1::GetAlertContextRequest request;
  for (const char* id : {"", "12", "zz112233445566778899aabbccddeeff"}) {
    request.set_row_id(id);
    ExpectRefused(GetAlertContext(tables_, store_, request), "INVALID_ROW_ID", "row_id");
  }
  request.set_row_id("00112233445566778899aabbccddeeff");
  const auto unknown = GetAlertContext(tables_, store_, request);
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(DetailOf(unknown.status())->reason, "ROW_NOT_FOUND");
  request.mutable_before()->set_seconds(25 * 3600);
  ExpectRefused(GetAlertContext(tables_, store_, request), "INVALID_CONTEXT_WINDOW", "before");
  request.clear_before();
  request.add_also();
  ExpectRefused(GetAlertContext(tables_, store_, request), "INVALID_SERIES_SELECTOR", "also[0]");
}

}  // namespace
}  // namespace alertjoin
