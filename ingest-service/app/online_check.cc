#include "ingest-service/app/online_check.h"

#include <fmt/format.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/net/grpc_health.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "ingest-service/grafana/find_data_sources.h"
#include "ingest-service/prometheus/curl_http_transport.h"
#include "ingest-service/prometheus/http_client.h"
#include "ingest-service/prometheus/prometheus_client.h"
#include "ingest-service/rules/rule_list.h"
#include "ingest-service/uplink/ask_to_push.h"

namespace alertjoin {
namespace {

constexpr Millis kCorrelatorTimeout = std::chrono::seconds(5);

// Prints what was found, and counts what failed.
class Findings {
 public:
  explicit Findings(const PrintLine& print) : print_(print) {}

  // `found` is what an OK is worth: "3 series".
  void Add(const std::string& what, const absl::StatusOr<std::string>& found) {
    if (found.ok()) {
      print_(found->empty() ? what + ": OK" : fmt::format("{}: OK ({})", what, *found));
      return;
    }
    ++failures_;
    print_(
        fmt::format("{}: FAILED: {}", what, Excerpt(MessageOf(found.status()), kLongExcerptBytes)));
  }
  size_t failures() const { return failures_; }

 private:
  const PrintLine& print_;
  size_t failures_ = 0;
};

// With nothing to tell of an OK.
absl::StatusOr<std::string> OkOr(const absl::Status& status) {
  if (status.ok()) return std::string();
  return status;
}

using Answer = std::future<absl::StatusOr<std::string>>;

Answer AskQuery(PrometheusClient& client, const std::string& expression) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
  Answer answer = promise->get_future();
  client.InstantQuery(expression, SystemClock().Now(), client.options().source,
                      [promise](absl::StatusOr<QueryResult> result) {
                        if (!result.ok()) return promise->set_value(result.status());
                        std::string found = fmt::format("{} series", result->series.size());
                        for (const std::string& warning : result->warnings) {
                          found += "; warning: " + Excerpt(warning, kLongExcerptBytes);
                        }
                        promise->set_value(std::move(found));
                      });
  return answer;
}

// `read` says what is worth telling of the data, or why it cannot be used.
template <typename Read>
Answer AskData(PrometheusClient& client, const std::string& path, Read read) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
  Answer answer = promise->get_future();
  client.GetData(path, {}, client.options().source,
                 [promise, read](absl::StatusOr<nlohmann::json> data) {
                   if (!data.ok()) return promise->set_value(data.status());
                   promise->set_value(read(*data));
                 });
  return answer;
}

absl::StatusOr<std::string> ReadRules(const nlohmann::json& data) {
  ASSIGN_OR_RETURN(const RuleList list, DecodeRuleList(data));
  return fmt::format("{} alerting rules", list.rules.size());
}

absl::StatusOr<std::string> NothingToTell(const nlohmann::json&) { return std::string(); }

void CheckSource(const MetricsSourceOptions& source, bool reconciled, Findings& findings) {
  const std::string name = "metrics source " + source.name;
  if (const absl::Status files = CheckFiles(source.http); !files.ok()) {
    return findings.Add(fmt::format("{} ({})", name, source.url), files);
  }
  CurlHttpTransport transport;
  HttpClient http(source.http, transport, SystemClock());
  PrometheusClient client({source.name, source.url, source.timeout, {}}, http);
  // First one that any server can answer: the others would each wait for the timeout. Who refuses
  // it as a query is there.
  const absl::Status reached = AskQuery(client, "vector(1)").get().status();
  const bool there = reached.ok() || IsOfQuery(reached);
  findings.Add(fmt::format("{} ({})", name, source.url), OkOr(there ? absl::OkStatus() : reached));
  if (!there) return transport.Stop();
  std::vector<std::pair<std::string, Answer>> asked;
  for (const QueryOptions& query : source.queries) {
    asked.emplace_back(fmt::format("{}: query {}", name, query.name),
                       AskQuery(client, query.expression));
  }
  asked.emplace_back(name + ": /api/v1/rules", AskData(client, "/api/v1/rules", ReadRules));
  if (reconciled) {
    for (const char* path : {"/api/v1/alerts", "/api/v1/status/config"}) {
      asked.emplace_back(fmt::format("{}: {}", name, path), AskData(client, path, NothingToTell));
    }
  }
  for (auto& [what, answer] : asked) findings.Add(what, answer.get());
  transport.Stop();
}

void CheckGrafana(const GrafanaOptions& grafana, bool reconciled, Findings& findings) {
  const auto found = FindDataSources(grafana);
  const std::string name = fmt::format("grafana {} ({})", grafana.name, grafana.url);
  if (!found.ok()) return findings.Add(name, found.status());
  findings.Add(name, fmt::format("{} data sources", found->size()));
  for (const MetricsSourceOptions& source : *found) {
    CheckSource(source, reconciled && source.reconcile, findings);
  }
}

// Everyone may ask for its health. Whether it takes events from us is another question.
void CheckCorrelator(const std::string& address, const GrpcClientOptions& client,
                     Findings& findings) {
  absl::Status taken = AskGrpcHealth(address, client, kCorrelatorTimeout);
  if (taken.ok()) taken = AskToPush(address, client, kCorrelatorTimeout);
  findings.Add(fmt::format("correlator ({})", address), OkOr(taken));
}

}  // namespace

absl::Status CheckOnline(const IngestConfig& config, const PrintLine& print) {
  Findings findings(print);
  CheckCorrelator(config.correlator_address, config.correlator_client, findings);
  for (const MetricsSourceOptions& source : config.metrics_sources) {
    CheckSource(source, config.reconcile.enabled && source.reconcile, findings);
  }
  for (const GrafanaOptions& grafana : config.grafana_sources) {
    CheckGrafana(grafana, config.reconcile.enabled, findings);
  }
  if (findings.failures() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format("{} failed", findings.failures()));
}

}  // namespace alertjoin
