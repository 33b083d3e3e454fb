#include "correlator-service/http/flat_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "alertjoin/v1/correlator_service.pb.h"

namespace alertjoin {
namespace {

const FlatTable& TableNamed(const std::string& name) {
  for (const FlatTable* const table : FlatTables()) {
    if (name == table->name()) return *table;
  }
  throw std::runtime_error("no table " + name);
}

using Cells = std::vector<std::map<std::string, FlatCell>>;

// The rows, cells by the name of their column.
Cells Read(const FlatTable& table, const google::protobuf::Message& answer,
           const std::vector<std::string>& labels = {}, size_t rows_max = 100) {
  Cells rows;
  table.ReadRows(answer, labels, rows_max, [&](std::span<const FlatCell> cells) {
    ASSERT_EQ(cells.size(), table.columns().size() + labels.size());
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < cells.size(); ++i) {
      row[i < table.columns().size() ? table.columns()[i].name
                                     : "label_" + labels[i - table.columns().size()]] = cells[i];
    }
  });
  return rows;
}

TEST(FlatTable, ColumnsHaveNamesOfTheirOwnAndAreExplained) {
  ASSERT_EQ(FlatTables().size(), 3u);
  for (const FlatTable* const table : FlatTables()) {
    std::set<std::string> names;
    for (const FlatColumn& column : table->columns()) {
      EXPECT_TRUE(names.insert(column.name).second) << column.name;
      EXPECT_STRNE(column.comment, "");
    }
    EXPECT_NE(table->method().input_type()->FindFieldByName("page_size"), nullptr);
    EXPECT_NE(table->method().output_type()->FindFieldByName("next_page_token"), nullptr);
  }
}

TEST(FlatTable, AJoinedRowHasItsValuesAndNoneWhereThereIsNone) {
  v1::ListJoinedRowsResponse page;
  v1::JoinedRow* row = page.add_rows();
  row->set_row_id("7");
  row->set_revision(3);
  row->set_final(true);
  v1::Transition* transition = row->mutable_transition();
  transition->set_alert_name("QueueDeep");
  transition->set_state(v1::ALERT_STATE_RESOLVED);
  transition->mutable_event_time()->set_seconds(10);
  transition->mutable_event_time()->set_nanos(5'999'999);
  transition->mutable_duration()->set_seconds(1);
  transition->mutable_duration()->set_nanos(100'000'000);
  (*transition->mutable_labels())["pod"] = "of the alert";
  (*transition->mutable_labels())["team"] = "web";
  row->mutable_match()->set_state(v1::MATCH_STATE_TOO_OLD);
  (*row->mutable_match()->mutable_series_labels())["pod"] = "of the series";
  page.add_rows();

  const Cells rows = Read(TableNamed("joined"), page, {"pod", "team", "none"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].at("row_id"), FlatCell(std::string_view("7")));
  EXPECT_EQ(rows[0].at("revision"), FlatCell(int64_t{3}));
  EXPECT_EQ(rows[0].at("final"), FlatCell(true));
  EXPECT_EQ(rows[0].at("state"), FlatCell(std::string_view("RESOLVED")));
  EXPECT_EQ(rows[0].at("match"), FlatCell(std::string_view("TOO_OLD")));
  EXPECT_EQ(rows[0].at("event_time"), FlatCell(Timestamp::FromMillis(10'005)));
  EXPECT_EQ(rows[0].at("duration"), FlatCell(1.1));
  EXPECT_EQ(rows[0].at("value"), FlatCell());
  EXPECT_EQ(rows[0].at("ends_at"), FlatCell());
  EXPECT_EQ(rows[0].at("label_pod"), FlatCell(std::string_view("of the series")));
  EXPECT_EQ(rows[0].at("label_team"), FlatCell(std::string_view("web")));
  EXPECT_EQ(rows[0].at("label_none"), FlatCell());
  EXPECT_EQ(rows[1].at("state"), FlatCell());
  EXPECT_EQ(TableNamed("joined").CountRows(page), 2u);
  EXPECT_EQ(Read(TableNamed("joined"), page, {}, 1).size(), 1u);
}

TEST(FlatTable, AnEpisodeThatLastsHasNoEnd) {
  v1::ListAlertsResponse page;
  v1::Transition* transition = page.add_alerts()->mutable_transition();
  transition->set_state(v1::ALERT_STATE_FIRING);
  transition->mutable_starts_at()->set_seconds(10);
  (*transition->mutable_labels())["team"] = "web";
  const Cells rows = Read(TableNamed("alerts"), page, {"team"});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at("state"), FlatCell(std::string_view("FIRING")));
  EXPECT_EQ(rows[0].at("starts_at"), FlatCell(Timestamp::FromMillis(10'000)));
  EXPECT_EQ(rows[0].at("ends_at"), FlatCell());
  EXPECT_EQ(rows[0].at("label_team"), FlatCell(std::string_view("web")));
  EXPECT_EQ(TableNamed("alerts").CountRows(page), 1u);
}

TEST(FlatTable, SamplesOfAllSeriesAreOneTable) {
  v1::ListSamplesResponse page;
  for (int i = 0; i < 2; ++i) {
    v1::SeriesSamples* const series = page.add_series();
    (*series->mutable_series()->mutable_labels())["pod"] = i == 0 ? "a" : "b";
    for (int k = 0; k < 2; ++k) {
      v1::Sample* const sample = series->add_samples();
      sample->mutable_time()->set_seconds(k);
      if (k == 0) sample->set_value(i);
    }
  }
  const Cells rows = Read(TableNamed("samples"), page, {"pod"}, 3);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].at("value"), FlatCell(0.0));
  EXPECT_EQ(rows[1].at("value"), FlatCell());  // A stale marker.
  EXPECT_EQ(rows[2].at("value"), FlatCell(1.0));
  EXPECT_EQ(rows[2].at("label_pod"), FlatCell(std::string_view("b")));
  EXPECT_EQ(TableNamed("samples").CountRows(page), 4u);
}

}  // namespace
}  // namespace alertjoin
