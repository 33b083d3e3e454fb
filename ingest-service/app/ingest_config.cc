#include "ingest-service/app/ingest_config.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/config/yaml_reader.h"
#include "common/service/log_config.h"
#include "common/status/status.h"
#include "common/text/matchers.h"
#include "ingest-service/alertmanager/heartbeat_config.h"
#include "ingest-service/alertmanager/sender_auth_config.h"
#include "ingest-service/app/backfill_config.h"
#include "ingest-service/app/learn_config.h"
#include "ingest-service/app/uplink_config.h"
#include "ingest-service/deadletter/dead_letters.h"
#include "ingest-service/prometheus/http_client_config.h"

namespace alertjoin {
namespace {

constexpr Millis kLongest = std::chrono::hours(24);
constexpr uint64_t kSpoolBytesLeast = uint64_t{32} << 20;
constexpr uint64_t kSpoolBytesMost = uint64_t{1} << 40;
constexpr char kAlertSourcesDefault[] = "[{name: alertmanager}]";
constexpr int64_t kDeadLettersMost = 1'000'000;  // Their names are held in memory.

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "ingest";
}

// Names are parts of addresses and of metric labels.
std::string ReadName(YamlNode node, std::set<std::string>& taken) {
  const std::string name = node.RequiredString();
  const bool fits =
      name.size() <= 128 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
      });
  if (node.present() && !fits) {
    node.Fault("a name has at most 128 letters, digits, '_', '-' and '.'");
  }
  if (node.present() && !taken.insert(name).second) {
    node.Fault(fmt::format("\"{}\" is the name of another one already", name));
  }
  return name;
}

QueryOptions ReadQuery(YamlNode node, std::set<std::string>& names) {
  QueryOptions query;
  YamlNode name = node.Child("name");
  query.name = name.RequiredString();
  if (name.present() && !names.insert(query.name).second) {
    name.Fault(
        fmt::format("\"{}\" is the name of another query of this source already", query.name));
  }
  query.expression = node.Child("expr").RequiredString();
  query.interval = node.Child("interval").Duration(query.interval, Millis(100), kLongest);
  YamlNode window = node.Child("window");
  if (window.present()) query.window = window.Duration(query.interval, query.interval, kLongest);
  YamlNode step = node.Child("step");
  if (step.present()) query.step = step.Duration(query.interval, Millis(100), kLongest);
  node.Finish();
  return query;
}

// What metrics sources and Grafanas have both.
MetricsSourceOptions ReadTerms(YamlNode node, std::set<std::string>& names,
                               const std::vector<std::string>& alert_sources) {
  MetricsSourceOptions source;
  source.name = ReadName(node.Child("name"), names);
  source.url = ReadHttpUrl(node.Child("url"));
  source.http = ReadHttpClient(node);
  source.timeout = node.Child("timeout").Duration(source.timeout, Millis(100), kLongest);
  source.settle_delay =
      node.Child("settle_delay").Duration(source.settle_delay, Millis(0), kLongest);
  source.lookback = node.Child("lookback").Duration(source.lookback, Millis(1000), kLongest);
  source.learn = ReadLearn(node.Child("learn"));
  std::set<std::string> query_names;
  YamlNode queries = node.Child("queries");
  for (YamlNode& query : queries.Items()) source.queries.push_back(ReadQuery(query, query_names));
  YamlNode alert_source = node.Child("alert_source");
  source.alert_source = alert_source.String("");
  const bool known = std::find(alert_sources.begin(), alert_sources.end(), source.alert_source) !=
                     alert_sources.end();
  if (alert_source.present() && !known) {
    alert_source.Fault(fmt::format("no alert source is named \"{}\"", source.alert_source));
  }
  source.reconcile = node.Child("reconcile").Bool(source.reconcile);
  return source;
}

MetricsSourceOptions ReadSource(YamlNode node, std::set<std::string>& names,
                                const std::vector<std::string>& alert_sources) {
  MetricsSourceOptions source = ReadTerms(node, names, alert_sources);
  source.external_url = node.Child("external_url").String("");
  source.backfill = ReadBackfill(node.Child("backfill"), source.queries);
  node.Finish();
  return source;
}

std::string ReadExpression(YamlNode node) {
  const std::string text = node.String("");
  if (const RE2 expression(text, RE2::Quiet); !expression.ok()) {
    node.Fault("not a regular expression (RE2): " + expression.error());
  }
  return text;
}

GrafanaOptions ReadGrafana(YamlNode node, std::set<std::string>& names,
                           const std::vector<std::string>& alert_sources) {
  GrafanaOptions grafana;
  grafana.terms = ReadTerms(node, names, alert_sources);
  grafana.name = grafana.terms.name;
  grafana.url = grafana.terms.url;
  grafana.interval = node.Child("interval").Duration(grafana.interval, Millis(1000), kLongest);
  grafana.include = ReadExpression(node.Child("include"));
  grafana.exclude = ReadExpression(node.Child("exclude"));
  std::set<std::string> uids;
  for (YamlNode& uid : node.Child("uids").Items()) grafana.uids.push_back(ReadName(uid, uids));
  node.Finish();
  return grafana;
}

bool HasQuery(const MetricsSourceOptions& source, const BindingRule& rule) {
  if (!rule.source.empty() && rule.source != source.name) return false;
  return std::any_of(source.queries.begin(), source.queries.end(),
                     [&rule](const QueryOptions& query) { return query.name == rule.query; });
}

// Whether any data source of the Grafana would have it.
bool HasQuery(const GrafanaOptions& grafana, const BindingRule& rule) {
  BindingRule of_any = rule;
  if (rule.source.starts_with(grafana.name + "/")) of_any.source.clear();
  return HasQuery(grafana.terms, of_any);
}

BindingRule ReadBinding(YamlNode node, const IngestConfig& config) {
  BindingRule rule;
  YamlNode match = node.Child("match");
  rule.matchers = match.RequiredString();
  if (const auto matchers = ParseMatchers(rule.matchers); !matchers.ok()) {
    match.Fault(MessageOf(matchers.status()));
  }
  YamlNode query = node.Child("query");
  rule.query = query.RequiredString();
  rule.source = node.Child("source").String("");
  const auto has_it = [&rule](const auto& source) { return HasQuery(source, rule); };
  const bool known = std::ranges::any_of(config.metrics_sources, has_it) ||
                     std::ranges::any_of(config.grafana_sources, has_it);
  if (query.present() && !known) {
    query.Fault(fmt::format("no such metrics source has a query named \"{}\"", rule.query));
  }
  rule.on = node.Child("on").StringList();
  rule.tolerance = node.Child("tolerance").Duration(rule.tolerance, Millis(0), kLongest);
  rule.strict = node.Child("strict").Bool(false);
  rule.first_after = node.Child("first_after").Bool(false);
  node.Finish();
  return rule;
}

void ReadSpool(YamlNode node, IngestConfig& config) {
  config.spool_path = node.Child("path").String(config.spool_path);
  config.spool_alert_bytes_max =
      node.Child("alert_bytes_max")
          .Bytes(config.spool_alert_bytes_max, kSpoolBytesLeast, kSpoolBytesMost);
  config.spool_sample_bytes_max =
      node.Child("sample_bytes_max")
          .Bytes(config.spool_sample_bytes_max, kSpoolBytesLeast, kSpoolBytesMost);
  if (YamlNode old = node.Child("bytes_max"); old.present()) {
    old.Fault(
        "spool.bytes_max is no more: alerts and samples have a bound each, "
        "spool.alert_bytes_max and spool.sample_bytes_max");
  }
  node.Finish();
}

absl::StatusOr<IngestConfig> Read(YamlDocument& document) {
  IngestConfig config;
  YamlNode root = document.root();
  config.producer_id = root.Child("producer_id").String(HostName());
  YamlNode correlator = root.Child("correlator");
  config.correlator_address = correlator.Child("address").String(config.correlator_address);
  config.correlator_client = ReadGrpcClient(correlator);
  correlator.Finish();
  YamlNode http = root.Child("http");
  config.http_listen_address = http.Child("listen_address").String(config.http_listen_address);
  http.Finish();
  YamlNode webhook = root.Child("webhook");
  config.value_annotation = webhook.Child("value_annotation").String(config.value_annotation);
  webhook.Finish();
  ReadSpool(root.Child("spool"), config);
  YamlNode dead_letters = root.Child("dead_letters");
  config.dead_letters_count_max = static_cast<uint64_t>(
      dead_letters.Child("count_max")
          .Int(static_cast<int64_t>(config.dead_letters_count_max), 1, kDeadLettersMost));
  config.dead_letters_bytes_max =
      dead_letters.Child("bytes_max")
          .Bytes(config.dead_letters_bytes_max, DeadLetters::kBytesMaxLeast, kSpoolBytesMost);
  dead_letters.Finish();
  YamlNode alert_sources = root.Child("alert_sources");
  config.alert_sources.clear();
  std::set<std::string> alert_names;
  for (YamlNode& source : alert_sources.Items(kAlertSourcesDefault)) {
    config.alert_sources.push_back(ReadName(source.Child("name"), alert_names));
    config.sender_auth[config.alert_sources.back()] = ReadSenderAuth(source);
    config.heartbeats[config.alert_sources.back()] = ReadHeartbeat(source.Child("heartbeat"));
    source.Finish();
  }
  if (config.alert_sources.empty()) alert_sources.Fault("at least one alert source is needed");
  std::set<std::string> metrics_names;
  for (YamlNode& source : root.Child("metrics_sources").Items()) {
    config.metrics_sources.push_back(ReadSource(source, metrics_names, config.alert_sources));
  }
  for (YamlNode& grafana : root.Child("grafana_sources").Items()) {
    config.grafana_sources.push_back(ReadGrafana(grafana, metrics_names, config.alert_sources));
  }
  config.reconcile = ReadReconcile(root.Child("reconcile"));
  for (YamlNode& binding : root.Child("bindings").Items()) {
    config.bindings.push_back(ReadBinding(binding, config));
  }
  config.log_level = ReadLogLevel(root.Child("log"));
  root.Finish();
  RETURN_IF_ERROR(document.status());
  return config;
}

}  // namespace

std::string DeadLetterFolderOf(const IngestConfig& config) {
  return config.spool_path + "/dead-letters";
}

absl::StatusOr<IngestConfig> ReadIngestConfig(const std::string& path) {
  YamlDocument document = YamlDocument::FromFile(path);
  return Read(document);
}

absl::StatusOr<IngestConfig> ParseIngestConfig(std::string_view text, const std::string& name) {
  YamlDocument document(text, name);
  return Read(document);
}

absl::StatusOr<std::string> ShowIngestConfig(const std::string& path) {
  YamlDocument document = YamlDocument::FromFile(path);
  RETURN_IF_ERROR(Read(document).status());
  return document.Effective();
}

std::vector<std::string> IngestConfigKeys(std::string_view text) {
  YamlDocument document(text, "");
  CHECK(Read(document).ok());
  return document.KeysAskedFor();
}

}  // namespace alertjoin
