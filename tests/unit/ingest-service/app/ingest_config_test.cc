#include "ingest-service/app/ingest_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

constexpr char kFull[] = R"(
producer_id: one
correlator: {address: "127.0.0.1:1"}
http: {listen_address: "127.0.0.1:2"}
alert_sources:
  - {name: east, authorization: {credentials: open sesame}}
  - {name: west}
webhook: {value_annotation: reading}
spool: {path: /var/spool/alertjoin, alert_bytes_max: 64MiB, sample_bytes_max: 128MiB}
dead_letters: {count_max: 5, bytes_max: 2MiB}
reconcile: {enabled: false, interval: 10s, wait: 0s, lookback: 1d}
metrics_sources:
  - name: prom
    url: http://127.0.0.1:9090/prefix
    external_url: https://prom.example
    timeout: 3s
    settle_delay: 0s
    lookback: 1m
    learn: {poll: always, refresh: 30s, around: 2m, interval: 20s, queries_max: 7}
    alert_source: west
    reconcile: false
    authorization: {credentials_file: token}
    follow_redirects: false
    queries:
      - {name: depth, expr: queue_depth, interval: 5s, window: 1m}
      - {name: ratio, expr: a / b, step: 10s}
    backfill: {from: now-30d, to: now/d, step: 1d, rate: 2, queries: [ratio]}
bindings:
  - {match: 'severity="page"', query: depth, on: [job, instance], tolerance: 1m, strict: true}
  - {match: 'a=~"b.*"', query: ratio, source: prom, first_after: true}
)";

absl::Status Fault(const std::string& text) {
  return ParseIngestConfig(text, "ingest.yml").status();
}

TEST(IngestConfig, ReadsGrafanas) {
  const auto config = ParseIngestConfig(R"(
grafana_sources:
  - name: hubs
    url: https://grafana.example/sub/
    authorization: {credentials_file: /run/token}
    interval: 1m
    include: 'hub-.*'
    exclude: '.*-test'
    uids: [PE9C8AA5B1A6E7E89]
    timeout: 20s
    queries: [{name: depth, expr: queue_depth}]
bindings:
  - {match: 'a="b"', query: depth}
  - {match: 'a="b"', query: depth, source: hubs/hub-1}
)",
                                        "ingest.yml");
  ASSERT_THAT(config, IsOk());
  ASSERT_EQ(config->grafana_sources.size(), 1u);
  const GrafanaOptions& grafana = config->grafana_sources[0];
  EXPECT_EQ(grafana.name, "hubs");
  EXPECT_EQ(grafana.url, "https://grafana.example/sub/");
  EXPECT_EQ(grafana.interval, Millis(60'000));
  EXPECT_EQ(grafana.include, "hub-.*");
  EXPECT_EQ(grafana.exclude, ".*-test");
  EXPECT_THAT(grafana.uids, ElementsAre("PE9C8AA5B1A6E7E89"));
  EXPECT_EQ(grafana.terms.timeout, Millis(20'000));
  EXPECT_EQ(grafana.terms.http.authorization->credentials.file, "/run/token");
  ASSERT_EQ(grafana.terms.queries.size(), 1u);
  EXPECT_EQ(config->bindings.size(), 2u);
}

TEST(IngestConfig, ReadsEveryKey) {
  const auto config = ParseIngestConfig(kFull, "ingest.yml");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->producer_id, "one");
  EXPECT_EQ(config->correlator_address, "127.0.0.1:1");
  EXPECT_EQ(config->http_listen_address, "127.0.0.1:2");
  EXPECT_THAT(config->alert_sources, ElementsAre("east", "west"));
  EXPECT_EQ(config->sender_auth.at("east").authorization->credentials.text.Reveal(), "open sesame");
  EXPECT_EQ(config->value_annotation, "reading");
  EXPECT_EQ(config->spool_path, "/var/spool/alertjoin");
  EXPECT_EQ(DeadLetterFolderOf(*config), "/var/spool/alertjoin/dead-letters");
  EXPECT_EQ(config->spool_alert_bytes_max, uint64_t{64} << 20);
  EXPECT_EQ(config->spool_sample_bytes_max, uint64_t{128} << 20);
  EXPECT_EQ(config->dead_letters_count_max, 5u);
  EXPECT_EQ(config->dead_letters_bytes_max, uint64_t{2} << 20);
  ASSERT_EQ(config->metrics_sources.size(), 1u);
  const MetricsSourceOptions& source = config->metrics_sources[0];
  EXPECT_EQ(source.url, "http://127.0.0.1:9090/prefix");
  EXPECT_EQ(source.external_url, "https://prom.example");
  EXPECT_EQ(source.timeout, Millis(3'000));
  EXPECT_EQ(source.settle_delay, Millis(0));
  EXPECT_EQ(source.lookback, Millis(60'000));
  EXPECT_EQ(source.alert_source, "west");
  EXPECT_FALSE(source.reconcile);
  EXPECT_FALSE(config->reconcile.enabled);
  EXPECT_EQ(config->reconcile.interval, Millis(10'000));
  EXPECT_EQ(config->reconcile.wait, Millis(0));
  EXPECT_EQ(config->reconcile.lookback, Millis(86'400'000));
  EXPECT_EQ(source.http.authorization->credentials.file, "token");
  EXPECT_FALSE(source.http.follow_redirects);
  EXPECT_EQ(source.learn.poll, LearnOptions::Poll::kAlways);
  EXPECT_EQ(source.learn.refresh, Millis(30'000));
  EXPECT_EQ(source.learn.around, Millis(120'000));
  EXPECT_EQ(source.learn.interval, Millis(20'000));
  EXPECT_EQ(source.learn.queries_max, 7u);
  ASSERT_EQ(source.queries.size(), 2u);
  EXPECT_EQ(source.queries[0].interval, Millis(5'000));
  EXPECT_EQ(source.queries[0].window, Millis(60'000));
  EXPECT_EQ(source.queries[1].expression, "a / b");
  EXPECT_EQ(source.queries[1].step, Millis(10'000));
  ASSERT_TRUE(source.backfill.has_value());
  EXPECT_EQ(source.backfill->from, "now-30d");
  EXPECT_EQ(source.backfill->to, "now/d");
  EXPECT_EQ(source.backfill->step, std::chrono::hours(24));
  EXPECT_EQ(source.backfill->requests_per_second, 2);
  EXPECT_THAT(source.backfill->queries, ElementsAre("ratio"));
  ASSERT_EQ(config->bindings.size(), 2u);
  EXPECT_EQ(config->bindings[0].query, "depth");
  EXPECT_THAT(config->bindings[0].on, ElementsAre("job", "instance"));
  EXPECT_EQ(config->bindings[0].tolerance, Millis(60'000));
  EXPECT_TRUE(config->bindings[0].strict);
  EXPECT_EQ(config->bindings[1].source, "prom");
  EXPECT_TRUE(config->bindings[1].first_after);
}

TEST(IngestConfig, AnEmptyFileMeansDefaults) {
  const auto config = ParseIngestConfig("", "ingest.yml");
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->producer_id.empty());
  EXPECT_EQ(config->correlator_address, "127.0.0.1:9750");
  EXPECT_THAT(config->alert_sources, ElementsAre("alertmanager"));
  EXPECT_EQ(config->spool_alert_bytes_max, uint64_t{256} << 20);
  EXPECT_EQ(config->spool_sample_bytes_max, uint64_t{1} << 30);
  EXPECT_TRUE(config->reconcile.enabled);
  EXPECT_EQ(config->reconcile.interval, Millis(30'000));
  EXPECT_EQ(config->reconcile.wait, Millis(60'000));
  EXPECT_EQ(config->reconcile.lookback, Millis(6 * 3'600'000));
  EXPECT_EQ(config->dead_letters_count_max, 1000u);
  EXPECT_EQ(config->dead_letters_bytes_max, uint64_t{64} << 20);
}

TEST(IngestConfig, LearntQueriesArePolledAroundTheirAlertsUnlessToldOtherwise) {
  const auto poll = [](const std::string& learn) {
    const auto config =
        ParseIngestConfig("metrics_sources: [{name: a, url: http://x" + learn + "}]", "ingest.yml");
    return config.ok() ? std::optional(config->metrics_sources[0].learn.poll) : std::nullopt;
  };
  EXPECT_EQ(poll(""), LearnOptions::Poll::kAroundAlerts);
  EXPECT_EQ(poll(", learn: {poll: around_alerts}"), LearnOptions::Poll::kAroundAlerts);
  EXPECT_EQ(poll(", learn: {poll: transitions}"), LearnOptions::Poll::kTransitions);
  EXPECT_THAT(Fault("metrics_sources: [{name: a, url: http://x, learn: {poll: never}}]"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "ingest.yml:1:58: must be always, around_alerts or transitions"));
}

TEST(IngestConfig, BackfillFaultsNameFileLineAndColumn) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto fault = [](const std::string& block) {
    return Fault("metrics_sources:\n  - name: a\n    url: http://x\n    backfill: " + block);
  };
  EXPECT_THAT(fault("{from: now-1d}"), IsOk());
  EXPECT_THAT(fault("{to: now}"), StatusIs(kInvalid, "from"));
  EXPECT_THAT(fault("{from: yesterday}"),
              StatusIs(kInvalid, "ingest.yml:4:22: \"yesterday\" is not a time"));
  EXPECT_THAT(fault("{from: now, to: never}"), StatusIs(kInvalid, "ingest.yml:4:31"));
  EXPECT_THAT(fault("{from: now-1d, rate: 0}"), StatusIs(kInvalid, "ingest.yml:4:36"));
  EXPECT_THAT(fault("{from: now-1d, steps: 1d}"), StatusIs(kInvalid, "unknown key \"steps\""));
  EXPECT_THAT(fault("{from: now-1d, queries: [b]}"), StatusIs(kInvalid, "no query named \"b\""));
}

TEST(IngestConfig, FaultsNameFileLineAndColumn) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Fault("metrics_sources:\n  - name: a\n    url: http://x\n    intervall: 5s\n"),
              StatusIs(kInvalid, "ingest.yml:4:5: unknown key \"intervall\""));
  EXPECT_THAT(Fault("spool: {sample_bytes_max: much}"), StatusIs(kInvalid, "ingest.yml:1:27"));
  EXPECT_THAT(Fault("spool: {bytes_max: 1GiB}"),
              StatusIs(kInvalid, "ingest.yml:1:20: spool.bytes_max is no more"));
  EXPECT_THAT(Fault("dead_letters: {count_max: 0}"), StatusIs(kInvalid, "ingest.yml:1:27"));
  EXPECT_THAT(Fault("dead_letters: {bytes_max: 1000}"), StatusIs(kInvalid, "ingest.yml:1:27"));
  EXPECT_THAT(Fault("reconcile: {interval: 1ms}"), StatusIs(kInvalid, "ingest.yml:1:23"));
  EXPECT_THAT(Fault("reconcile: {waits: 1m}"), StatusIs(kInvalid, "unknown key \"waits\""));
  EXPECT_THAT(Fault("metrics_sources: [{name: a, url: http://x, alert_source: b}]"),
              StatusIs(kInvalid, "no alert source is named \"b\""));
  EXPECT_THAT(Fault("producer_id: a\nproducer_id: b\n"), StatusIs(kInvalid, "ingest.yml:2:1"));
  EXPECT_THAT(Fault("metrics_sources: [{name: a, url: ftp://x}]"), StatusIs(kInvalid, "http://"));
  EXPECT_THAT(Fault("metrics_sources: [{url: http://x}]"), StatusIs(kInvalid, "name"));
  EXPECT_THAT(Fault("alert_sources: [{name: a}, {name: a}]"), StatusIs(kInvalid, "already"));
  EXPECT_THAT(Fault("alert_sources: [{name: a/b}]"), StatusIs(kInvalid, "letters"));
  EXPECT_THAT(Fault("alert_sources: []"), StatusIs(kInvalid, "at least one"));
  EXPECT_THAT(Fault("bindings: [{match: 'a=b', query: nowhere}]"), StatusIs(kInvalid, "nowhere"));
  EXPECT_THAT(Fault("bindings: [{match: 'a=', query: x}, {match: 'a>b', query: x}]"),
              StatusIs(kInvalid, "ingest.yml:1:"));
}

TEST(IngestConfig, FaultsOfGrafanasSayWhere) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const std::string begin = "grafana_sources:\n  - name: hubs\n    url: http://g\n";
  EXPECT_THAT(Fault(begin + "    include: '('\n"),
              StatusIs(kInvalid, ":4:14: not a regular expression (RE2)"));
  EXPECT_THAT(Fault(begin + "    uids: [a/b]\n"), StatusIs(kInvalid, "letters"));
  const auto learning = ParseIngestConfig(begin + "    learn: {refresh: 30s}\n", "ingest.yml");
  ASSERT_THAT(learning, IsOk());
  EXPECT_EQ(learning->grafana_sources[0].terms.learn.refresh, Millis(30'000));
  const auto reconciled = ParseIngestConfig(
      begin + "    reconcile: false\n    alert_source: alertmanager\n", "ingest.yml");
  ASSERT_THAT(reconciled, IsOk());
  EXPECT_FALSE(reconciled->grafana_sources[0].terms.reconcile);
  EXPECT_EQ(reconciled->grafana_sources[0].terms.alert_source, "alertmanager");
  EXPECT_THAT(Fault(begin + "    alert_source: b\n"),
              StatusIs(kInvalid, "no alert source is named \"b\""));
  for (const char* not_there : {"external_url: http://g", "backfill: {}"}) {
    EXPECT_THAT(Fault(begin + "    " + not_there + "\n"), StatusIs(kInvalid, "unknown key"));
  }
  EXPECT_THAT(Fault("metrics_sources: [{name: hubs, url: 'http://p'}]\n" + begin),
              StatusIs(kInvalid, "already"));
  EXPECT_THAT(Fault(begin + "bindings: [{match: 'a=b', query: depth, source: hubs/x}]\n"),
              StatusIs(kInvalid, "no such metrics source"));
}

// Every place where a secret can stand.
constexpr char kSecrets[] = R"(
alert_sources:
  - {name: a, basic_auth: {username: u, password: canary-1}}
  - {name: b, authorization: {credentials: canary-2}, hmac: {secret: canary-3}}
metrics_sources:
  - name: p
    url: http://127.0.0.1:9090
    basic_auth: {username: u, password: canary-4}
    tls_config: {ca: canary-5, cert: canary-6, key: canary-7}
    http_headers: {X-Key: {values: [seen], secrets: [canary-8]}}
    proxy_url: http://user:canary-9@proxy:3128
  - {name: q, url: "http://127.0.0.1:9091", authorization: {credentials: canary-10}}
grafana_sources:
  - {name: g, url: "http://127.0.0.1:3000", authorization: {credentials: canary-11}}
)";

std::string Shown(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/ingest.yml";
  std::ofstream(path) << text;
  const auto shown = ShowIngestConfig(path);
  EXPECT_THAT(shown, IsOk());
  return shown.ok() ? *shown : "";
}

TEST(IngestConfig, WhatIsShownHasNoSecret) {
  const std::string shown = Shown(kSecrets);
  EXPECT_EQ(shown.find("canary"), std::string::npos) << shown;
  size_t hidden = 0;
  for (size_t at = 0; (at = shown.find("<secret>", at)) != std::string::npos; ++at) ++hidden;
  EXPECT_EQ(hidden, 11u) << shown;
  EXPECT_NE(shown.find("seen"), std::string::npos) << shown;
}

TEST(IngestConfig, WhatIsShownHasTheDefaultsAndReadsTheSame) {
  const std::string defaults = Shown("");
  for (const char* line :
       {"alert_bytes_max: 256MiB", "- name: alertmanager", "listen_address: 127.0.0.1:9752",
        "value_annotation: value", "lookback: 6h", "metrics_sources: []"}) {
    EXPECT_NE(defaults.find(line), std::string::npos) << line << "\n" << defaults;
  }
  for (const std::string& shown : {defaults, Shown(kFull)}) EXPECT_EQ(Shown(shown), shown);
}

TEST(IngestConfig, WhatIsShownIsRefusedLikeTheFile) {
  EXPECT_THAT(ShowIngestConfig("/nonexistent/ingest.yml"),
              StatusIs(absl::StatusCode::kInvalidArgument, "/nonexistent/ingest.yml"));
}

TEST(IngestConfig, EachAlertSourceHasAHeartbeat) {
  const auto defaults = ParseIngestConfig("{}", "ingest.yml");
  ASSERT_THAT(defaults, IsOk());
  EXPECT_FALSE(defaults->heartbeats.at("alertmanager").expected);
  const auto config = ParseIngestConfig(
      "alert_sources: [{name: a, heartbeat: {max_age: 1m}}, {name: b, heartbeat: {enabled: "
      "false}}]",
      "ingest.yml");
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->heartbeats.at("a").expected);
  EXPECT_EQ(config->heartbeats.at("a").max_age, std::chrono::minutes(1));
  EXPECT_FALSE(config->heartbeats.at("b").enabled);
}

}  // namespace
}  // namespace alertjoin
