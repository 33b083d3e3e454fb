#include "correlator-service/rows/stored_row_codec.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "tests/support/joined_rows.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/correlator-service/rows/random_row.h"

namespace alertjoin {
namespace {

constexpr int kRandomValues = 300;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

TEST(StoredRowCodec, RandomChangesComeBackUnchanged) {
  RandomRows random(TestSeed());
  for (int i = 0; i < kRandomValues; ++i) {
    const ChangeSet set = random.Set();
    const EncodedChanges encoded = EncodeChanges(set);
    const auto decoded = DecodeStoredChangeSet(encoded.set);
    ASSERT_THAT(decoded, IsOk());
    ASSERT_EQ(DescribeAll(**decoded), DescribeAll(set));
    ASSERT_EQ(encoded.rows.size(), set.changes.size());
    for (size_t j = 0; j < encoded.rows.size(); ++j) {
      const JoinedRow& row = *set.changes[j].row;
      ASSERT_EQ(encoded.rows[j].empty(), row.operation == Operation::kDelete);
      if (encoded.rows[j].empty()) continue;
      const auto decoded_row = DecodeStoredRow(encoded.rows[j]);
      ASSERT_THAT(decoded_row, IsOk());
      ASSERT_EQ(DescribeAll(*decoded_row), DescribeAll(row));
    }
  }
}

TEST(StoredRowCodec, RandomReportsComeBackUnchanged) {
  RandomRows random(TestSeed());
  for (int i = 0; i < kRandomValues; ++i) {
    const AlertReport report = random.Report();
    const auto decoded = DecodeStoredReport(EncodeStoredReport(report));
    ASSERT_THAT(decoded, IsOk());
    ASSERT_EQ(DescribeAll(*decoded), DescribeAll(report));
  }
}

TEST(StoredRowCodec, PreviousVersionAnswersFiltersAsItDid) {
  RowSpec spec;
  spec.labels = {{"severity", "critical"}};
  const auto previous = std::make_shared<const JoinedRow>(MakeRow(spec));
  spec.final = true;
  spec.match_state = MatchState::kStale;
  spec.operation = Operation::kDelete;
  ChangeSet set;
  set.changes.push_back({std::make_shared<const JoinedRow>(MakeRow(spec)), previous});
  const auto decoded = DecodeStoredChangeSet(EncodeChanges(set).set);
  ASSERT_THAT(decoded, IsOk());
  const JoinedRow& known = *(*decoded)->changes[0].previous;
  EXPECT_EQ(known.operation, Operation::kUpsert);
  RowFilter filter;
  filter.match_state = MatchState::kMatched;
  filter.query_name = "q";
  filter.state = AlertState::kFiring;
  filter.matchers = *ParseMatchers("severity=critical");
  EXPECT_TRUE(filter.Matches(known));
  filter.final_only = true;
  EXPECT_FALSE(filter.Matches(known));
  EXPECT_TRUE((*decoded)->changes[0].row->final);
}

TEST(StoredRowCodec, UnknownFormatIsRefusedByName) {
  RandomRows random(TestSeed());
  std::string set = EncodeChanges(random.Set()).set;
  std::string report = EncodeStoredReport(random.Report());
  set[0] = report[0] = 2;
  for (const absl::Status& status :
       {DecodeStoredRow(set).status(), DecodeStoredChangeSet(set).status(),
        DecodeStoredReport(report).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "format version 2"));
    EXPECT_EQ(ReasonOf(status), "ROWS_FORMAT_UNKNOWN");
  }
}

TEST(StoredRowCodec, WhatIsNoValueIsDamage) {
  for (const std::string& value :
       {std::string(), std::string("\x01"), std::string("\x01\xff\xff")}) {
    for (const absl::Status& status :
         {DecodeStoredRow(value).status(), DecodeStoredReport(value).status()}) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, "damaged"));
      EXPECT_EQ(ReasonOf(status), "ROWS_DAMAGED");
    }
  }
  EXPECT_THAT(DecodeStoredChangeSet("\x01\xff"), StatusIs(absl::StatusCode::kDataLoss));
}

// Cut or with a byte changed, a value is refused or is another one; nothing worse happens.
TEST(StoredRowCodec, DamagedValuesAreSurvived) {
  const google::protobuf::LogSilencer quiet;
  RandomRows random(TestSeed());
  std::mt19937_64 place(1);
  for (int i = 0; i < 20; ++i) {
    const std::string set = EncodeChanges(random.Set()).set;
    const std::string report = EncodeStoredReport(random.Report());
    for (int j = 0; j < 200; ++j) {
      std::string damaged = j % 2 == 0 ? set : report;
      damaged.resize(1 + place() % (damaged.size() - 1));
      damaged.back() = static_cast<char>(place());
      const auto read_set = DecodeStoredChangeSet(damaged);
      const auto read_report = DecodeStoredReport(damaged);
      if (read_report.ok()) {
        EXPECT_FALSE(read_report->gone());
      }
      if (!read_set.ok()) continue;
      for (const RowChange& change : (*read_set)->changes) {
        EXPECT_NE(change.row->transition, nullptr);
        change.row->transition->event_time();
      }
    }
  }
}

}  // namespace
}  // namespace alertjoin
