#include "ingest-service/reconcile/alert_labelling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::Optional;

// As Prometheus 2.42 gave it: of the relabelling rules it leaves out what is empty.
constexpr char kConfig[] = R"(global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 30s
  external_labels:
    cluster: a b
    replica: r1
alerting:
  alert_relabel_configs:
  - separator: ;
    regex: replica
    replacement: $1
    action: labeldrop
  - source_labels: [severity]
    separator: ;
    regex: (.*)
    target_label: sev
    action: replace
  - source_labels: [a, b]
    regex: (.*)
    target_label: x
    replacement: $1
    action: replace
  - source_labels: [alertname]
    separator: ;
    regex: Watch.*
    replacement: $1
    action: drop
  alertmanagers:
  - follow_redirects: true
    enable_http2: true
    scheme: http
    timeout: 10s
    api_version: v2
    static_configs:
    - targets:
      - 127.0.0.1:19093
rule_files:
- /etc/prometheus/r.yml
scrape_configs:
- job_name: "not: read"
  params: &anchor {a: [b]}
)";

AlertLabelling Parsed(std::string_view config, std::string_view version = "2.42.0+ds") {
  auto labelling = AlertLabelling::Parse(config, version);
  EXPECT_THAT(labelling, IsOk());
  return labelling.ok() ? *labelling : AlertLabelling();
}

TEST(AlertLabelling, DoesWhatTheConfigurationSays) {
  const AlertLabelling labelling = Parsed(kConfig);
  EXPECT_THAT(labelling.LabelsSent({{"alertname", "A"}, {"a", "1"}, {"b", "2"}, {"sev", "gone"}}),
              Optional(LabelSet{
                  {"alertname", "A"}, {"a", "1"}, {"b", "2"}, {"cluster", "a b"}, {"x", "12"}}));
  EXPECT_EQ(labelling.LabelsSent({{"alertname", "Watchdog"}}), std::nullopt);
  EXPECT_EQ(labelling.evaluation_interval(), std::chrono::seconds(30));
  EXPECT_EQ(labelling.query_offset(), Millis(0));
}

TEST(AlertLabelling, AnAlertsOwnLabelBeatsTheExternalOne) {
  EXPECT_THAT(Parsed(kConfig).LabelsSent({{"alertname", "A"}, {"cluster", "own"}}),
              Optional(LabelSet{{"alertname", "A"}, {"cluster", "own"}}));
}

TEST(AlertLabelling, FingerprintsAreThoseOfAlertmanager) {
  // From Alertmanager 0.25, to which a Prometheus with this configuration had sent the alert.
  const auto sent = AlertLabelling().LabelsSent(
      {{"alertname", "DiskFull"}, {"instance", "db1:9100"}, {"job", "node"}, {"empty", ""}});
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->FingerprintHex(), "d051fad0fb611515");
}

TEST(AlertLabelling, AConfigurationOfAnotherHandHasPrometheusDefaults) {
  const AlertLabelling labelling = Parsed(R"(
alerting:
  alert_relabel_configs:
    - {source_labels: [a, b], target_label: c, action: Replace}
)");
  EXPECT_THAT(labelling.LabelsSent({{"a", "1"}, {"b", "2"}}),
              Optional(LabelSet{{"a", "1"}, {"b", "2"}, {"c", "1;2"}}));
  EXPECT_EQ(labelling.evaluation_interval(), std::chrono::minutes(1));
}

TEST(AlertLabelling, ANullExpressionIsTheEmptyOneAndAMissingOneTheDefault) {
  const AlertLabelling labelling = Parsed(R"(global: {scrape_timeout: 1s, evaluation_interval: 1s}
alerting:
  alert_relabel_configs:
  - {source_labels: [a], regex: null, separator: ;, target_label: b, replacement: none, action: replace}
  - {source_labels: [c], separator: ;, target_label: d, replacement: $1, action: replace}
)");
  EXPECT_THAT(labelling.LabelsSent({{"c", "1"}}),
              Optional(LabelSet{{"b", "none"}, {"c", "1"}, {"d", "1"}}));
  EXPECT_THAT(labelling.LabelsSent({{"a", "1"}}), Optional(LabelSet{{"a", "1"}}));
}

TEST(AlertLabelling, AlertmanagersWithRulesOfTheirOwnTheFirstThatGetsTheAlertCounts) {
  const AlertLabelling labelling = Parsed(R"(
global: {rule_query_offset: 1m30s}
alerting:
  alertmanagers:
    - alert_relabel_configs: [{source_labels: [team], regex: a, action: keep}, {target_label: am, replacement: one}]
    - alert_relabel_configs: [{source_labels: [team], regex: c, action: drop}, {target_label: am, replacement: two}]
)",
                                          "3.1.0");
  EXPECT_THAT(labelling.LabelsSent({{"team", "a"}}),
              Optional(LabelSet{{"am", "one"}, {"team", "a"}}));
  EXPECT_THAT(labelling.LabelsSent({{"team", "b"}}),
              Optional(LabelSet{{"am", "two"}, {"team", "b"}}));
  EXPECT_EQ(labelling.LabelsSent({{"team", "c"}}), std::nullopt);
  EXPECT_EQ(labelling.query_offset(), std::chrono::seconds(90));
}

TEST(AlertLabelling, TheVersionDecidesOnTheDialect) {
  constexpr char kDots[] = R"(
alerting: {alert_relabel_configs: [{source_labels: [a], regex: ".*", action: drop}]}
)";
  const LabelSet lines = {{"a", "1\n2"}};
  EXPECT_THAT(Parsed(kDots, "2.53.1").LabelsSent(lines), Optional(lines));
  EXPECT_EQ(Parsed(kDots, "3.0.0").LabelsSent(lines), std::nullopt);
  EXPECT_EQ(Parsed(kDots, "").LabelsSent(lines), std::nullopt);
}

TEST(AlertLabelling, FaultsHaveTheirPlace) {
  EXPECT_THAT(
      AlertLabelling::Parse(
          "rule_files: []\nalerting:\n  alert_relabel_configs:\n  - action: dance\n", ""),
      StatusIs(absl::StatusCode::kInvalidArgument, "line 4, column 5: relabel action \"dance\""));
  EXPECT_THAT(AlertLabelling::Parse("global: [", ""),
              StatusIs(absl::StatusCode::kInvalidArgument, "not YAML"));
  EXPECT_THAT(
      AlertLabelling::Parse("alerting: {alert_relabel_configs: [{regex: (, target_label: a}]}", ""),
      StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AlertLabelling::Parse("", ""), IsOk());
}

}  // namespace
}  // namespace alertjoin
