#include "correlator-service/codec/row_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr int64_t kStart = kRowsNow.millis();

// A RESOLVED row with every field set.
JoinedRow FullRow() {
  auto transition = std::make_shared<Transition>();
  transition->source = "am";
  transition->fingerprint = "abcd";
  transition->state = AlertState::kResolved;
  transition->starts_at = Timestamp::FromMillis(kStart);
  transition->ends_at = Timestamp::FromMillis(kStart + 90'250);
  transition->active_at = Timestamp::FromMillis(kStart - 60'000);
  transition->labels = LabelSet{
      {"alertname", "Disk"}, {"job", "node"}, {"instance", "a:9100"}, {"severity", "page"}};
  transition->annotations = LabelSet{{"summary", "full"}};
  transition->generator_url = "http://prometheus/graph";
  transition->origin = Origin::kGrafanaWebhook;
  transition->notification.receiver = "team";
  transition->reported_value = 95.5;
  transition->reported_values = {{"A", 1.5}, {"B", 2.5}};
  transition->received_time = Timestamp::FromMillis(kStart + 91'000);
  transition->traceparent = "00-a-b-01";

  auto binding = std::make_shared<Binding>();
  binding->query = Query{"prom", "disk", "disk_used", TimeKind::kEvaluation};
  binding->comparison_operator = ">";
  binding->threshold = 90;

  JoinedRow row;
  row.id = IdOf(0x01020304);
  row.revision = 3;
  row.sequence = Sequence(17);
  row.cause = Cause::kLateSample;
  row.final = true;
  row.transition = transition;
  row.binding = binding;
  row.match.state = MatchState::kMatched;
  row.match.series = std::make_shared<const SeriesKey>(
      SeriesKey{std::make_shared<const Query>(binding->query), LabelSet{{"device", "sda"}}});
  row.match.value = 88.25;
  row.match.sample_time = Timestamp::FromMillis(kStart + 88'000);
  row.match.next_value = 70;
  row.match.next_sample_time = Timestamp::FromMillis(kStart + 103'000);
  row.match.sample_received_time = Timestamp::FromMillis(kStart + 89'000);
  row.match.value_at_active = 0;
  row.match.active_sample_time = Timestamp::FromMillis(kStart - 61'000);
  row.match.query_error = std::make_shared<const std::string>("refused");
  row.applied_time = Timestamp::FromMillis(kStart + 92'000);
  return row;
}

v1::JoinedRow Encode(const JoinedRow& row) {
  v1::JoinedRow encoded;
  EncodeRow(row, Operation::kUpsert, &encoded);
  return encoded;
}

int64_t Millis64(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}
int64_t Millis64(const google::protobuf::Duration& span) {
  return span.seconds() * 1000 + span.nanos() / 1'000'000;
}

TEST(EncodeRow, WritesTheRow) {
  const v1::JoinedRow row = Encode(FullRow());
  EXPECT_EQ(row.row_id(), "01020304000000000000000000000000");
  EXPECT_EQ(row.revision(), 3u);
  EXPECT_EQ(row.sequence(), 17u);
  EXPECT_EQ(row.operation(), v1::OPERATION_UPSERT);
  EXPECT_EQ(row.cause(), v1::CAUSE_LATE_SAMPLE);
  EXPECT_TRUE(row.final());
  EXPECT_EQ(Millis64(row.alert_received_time()), kStart + 91'000);
  EXPECT_EQ(Millis64(row.sample_received_time()), kStart + 89'000);
  EXPECT_EQ(Millis64(row.applied_time()), kStart + 92'000);
}

TEST(EncodeRow, WritesTheTransition) {
  const v1::JoinedRow row = Encode(FullRow());
  const v1::Transition& transition = row.transition();
  EXPECT_EQ(transition.source(), "am");
  EXPECT_EQ(transition.fingerprint(), "abcd");
  EXPECT_EQ(transition.alert_name(), "Disk");
  EXPECT_EQ(transition.job(), "node");
  EXPECT_EQ(transition.instance(), "a:9100");
  EXPECT_EQ(transition.labels_size(), 4);
  EXPECT_EQ(transition.labels().at("severity"), "page");
  EXPECT_EQ(transition.annotations().at("summary"), "full");
  EXPECT_EQ(transition.state(), v1::ALERT_STATE_RESOLVED);
  EXPECT_EQ(Millis64(transition.starts_at()), kStart);
  EXPECT_EQ(Millis64(transition.ends_at()), kStart + 90'250);
  EXPECT_EQ(Millis64(transition.event_time()), kStart + 90'250);
  EXPECT_EQ(Millis64(transition.duration()), 90'250);
  EXPECT_EQ(Millis64(transition.active_at()), kStart - 60'000);
  EXPECT_EQ(transition.origin(), v1::ORIGIN_GRAFANA_WEBHOOK);
  EXPECT_EQ(transition.reported_value(), 95.5);
  EXPECT_EQ(transition.reported_values().at("B"), 2.5);
  EXPECT_EQ(transition.generator_url(), "http://prometheus/graph");
  EXPECT_EQ(transition.notification().receiver(), "team");
  EXPECT_EQ(transition.traceparent(), "00-a-b-01");
}

TEST(EncodeRow, WritesQueryAndMatch) {
  const v1::JoinedRow row = Encode(FullRow());
  EXPECT_EQ(row.query().source(), "prom");
  EXPECT_EQ(row.query().name(), "disk");
  EXPECT_EQ(row.query().expression(), "disk_used");
  EXPECT_EQ(row.query().time_kind(), v1::TIME_KIND_EVALUATION);
  EXPECT_EQ(row.query().comparison_operator(), ">");
  EXPECT_EQ(row.query().threshold(), 90);
  EXPECT_EQ(row.match().state(), v1::MATCH_STATE_MATCHED);
  EXPECT_EQ(row.match().series_labels().at("device"), "sda");
  EXPECT_EQ(row.match().value(), 88.25);
  EXPECT_EQ(Millis64(row.match().sample_time()), kStart + 88'000);
  EXPECT_EQ(Millis64(row.match().sample_age()), 2'250);
  EXPECT_EQ(row.match().next_value(), 70);
  EXPECT_EQ(Millis64(row.match().next_sample_time()), kStart + 103'000);
  EXPECT_TRUE(row.match().has_value_at_active());
  EXPECT_EQ(row.match().value_at_active(), 0);
  EXPECT_EQ(Millis64(row.match().active_sample_time()), kStart - 61'000);
  EXPECT_EQ(row.query().error(), "refused");
}

TEST(EncodeRow, FiringRowHasNoEndAndNoDuration) {
  const v1::JoinedRow row = Encode(MakeRow({}));
  EXPECT_EQ(row.transition().state(), v1::ALERT_STATE_FIRING);
  EXPECT_FALSE(row.transition().has_ends_at());
  EXPECT_FALSE(row.transition().has_duration());
  EXPECT_FALSE(row.transition().has_active_at());
  EXPECT_FALSE(row.match().has_value_at_active());
  EXPECT_FALSE(row.match().has_active_sample_time());
  EXPECT_EQ(Millis64(row.transition().event_time()), kStart);
  EXPECT_FALSE(row.transition().has_reported_value());
  EXPECT_EQ(row.transition().job(), "");
}

TEST(EncodeRow, UnboundRowHasNoQueryAndNoValue) {
  RowSpec spec;
  spec.match_state = MatchState::kUnbound;
  const v1::JoinedRow row = Encode(MakeRow(spec));
  EXPECT_FALSE(row.has_query());
  EXPECT_EQ(row.match().state(), v1::MATCH_STATE_UNBOUND);
  EXPECT_FALSE(row.match().has_value());
  EXPECT_FALSE(row.match().has_sample_time());
  EXPECT_FALSE(row.match().has_sample_age());
  EXPECT_FALSE(row.has_sample_received_time());
}

TEST(EncodeRow, ZeroAndNotANumberAreValues) {
  for (const double value :
       {0.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    RowSpec spec;
    spec.value = value;
    const v1::JoinedRow row = Encode(MakeRow(spec));
    ASSERT_TRUE(row.match().has_value());
    EXPECT_TRUE(SameValue(row.match().value(), value));
  }
}

TEST(EncodeRow, OperationIsTheGivenOne) {
  v1::JoinedRow row;
  EncodeRow(MakeRow({}), Operation::kDelete, &row);
  EXPECT_EQ(row.operation(), v1::OPERATION_DELETE);
}

TEST(DecodeRowFilter, ZeroMeansAny) {
  const auto filter = DecodeRowFilter("", v1::ALERT_STATE_UNSPECIFIED, "", false);
  ASSERT_THAT(filter, IsOk());
  EXPECT_EQ(filter->ToString(), RowFilter().ToString());
}

TEST(DecodeRowFilter, UnknownStateIsNamed) {
  const auto filter = DecodeRowFilter("", static_cast<v1::AlertState>(9), "", false);
  EXPECT_THAT(filter, StatusIs(absl::StatusCode::kInvalidArgument, "state: 9 is no AlertState"));
  EXPECT_EQ(DetailOf(filter.status())->reason, "INVALID_FILTER");
}

}  // namespace
}  // namespace alertjoin
