#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/event/event.h"
#include "ingest-service/prometheus/http_client_options.h"

namespace alertjoin {

// A configured query of a metrics source.
struct QueryOptions {
  std::string name;
  std::string expression;
  Millis interval = std::chrono::seconds(15);
  // Of a plain selector: how far back each poll looks. By default enough that polls overlap:
  // max(2 * interval + timeout, 30s) + settle delay.
  std::optional<Millis> window;
  // Of any other expression: distance of its evaluations. By default the interval.
  std::optional<Millis> step;
};

// What is done with the queries that are learnt from the alerting rules of a source. Each is asked
// at the event times of its alerts in any case.
struct LearnOptions {
  enum class Poll {
    kAlways,        // All of them are polled.
    kAroundAlerts,  // While an alert of theirs is pending or firing, and a while after it.
    kTransitions,   // None.
  };

  Poll poll = Poll::kAroundAlerts;
  Millis refresh = std::chrono::seconds(60);  // Time between readings of the rules.
  Millis around = std::chrono::minutes(5);    // How long polls go on after an alert.
  Millis interval = std::chrono::seconds(15);
  size_t queries_max = 200;  // Polled at the same time.
};

// What of the past is wanted of the configured queries of a source. The times are texts
// (common/time/time_point.h), since they may be relative to the start of the service.
struct BackfillTerms {
  std::string from;
  std::string to = "now";
  std::optional<Millis> step;  // Of expressions; by default that of the query.
  double requests_per_second = 5;
  std::vector<std::string> queries;  // Their names; empty: all.
};

// A server of the Prometheus API.
struct MetricsSourceOptions {
  std::string name;
  std::string url;           // Base, with a path prefix if there is one.
  std::string external_url;  // As it names itself in generator URLs; empty when it is `url`.
  Millis timeout = std::chrono::seconds(10);
  // How long after its time a sample may still appear.
  Millis settle_delay = std::chrono::seconds(10);
  // How long an instant query keeps a value alive (--query.lookback-delta).
  Millis lookback = std::chrono::minutes(5);
  HttpClientOptions http;
  std::vector<QueryOptions> queries;
  LearnOptions learn;
  std::optional<BackfillTerms> backfill;
  std::string alert_source;  // Where its alerts are sent from; empty: the first alert source.
  bool reconcile = true;     // Its alerts are looked for in it, too.
};

// The query as events name it; its time kind follows from its expression.
Query QueryOf(const std::string& source, const QueryOptions& options);
// The same for an expression that was learnt from an alerting rule: named by itself.
Query LearntQuery(const std::string& source, const std::string& expression);

}  // namespace alertjoin
