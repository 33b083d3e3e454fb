#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest-service/prometheus/http_transport.h"
#include "ingest-service/prometheus/query_result.h"
#include "ingest-service/prometheus/source_watch.h"

namespace alertjoin {

struct PrometheusClientOptions {
  std::string source;    // Its name, for messages and lanes.
  std::string base_url;  // With the path prefix, if any; what follows is /api/v1/...
  Millis timeout = std::chrono::seconds(10);
  std::vector<std::string> headers;  // "Name: value", sent with each call.
  // Is told of every answer, if there is one. Must outlive the client.
  SourceWatch* watch = nullptr;
};

// Asks one server of the Prometheus API. Thread-safe. The transport must outlive it; the client
// must outlive its calls.
class PrometheusClient {
 public:
  // Gets the decoded answer, or the error of HttpTransport or DecodeQueryAnswer, with the source in
  // front. Called exactly once, on a thread of the transport's or, when refused, on the caller's.
  using Done = std::function<void(absl::StatusOr<QueryResult>)>;

  PrometheusClient(PrometheusClientOptions options, HttpTransport& transport);

  // The expression at one moment. A range selector gives raw samples at their own times; of
  // anything else the times are `time`. `lane` tells apart what must not wait for each other.
  void InstantQuery(const std::string& expression, Timestamp time, const std::string& lane,
                    Done done);
  // The expression at start, start + step, ..., up to `end` inclusive. REQUIRES: step > 0, and at
  // most 11,001 points.
  void RangeQuery(const std::string& expression, Timestamp start, Timestamp end, Millis step,
                  const std::string& lane, Done done);

  // The "data" of any path of the API, such as /api/v1/rules: a GET with these parameters, which
  // are encoded here. For answers that are small: a document is made of them (DecodeApiData, whose
  // errors come with the source in front). Called like Done.
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  using DataDone = std::function<void(absl::StatusOr<nlohmann::json>)>;
  void GetData(const std::string& path, const Parameters& parameters, const std::string& lane,
               DataDone done);

  const PrometheusClientOptions& options() const { return options_; }

 private:
  void Send(const std::string& path, const std::string& expression, std::string form,
            const std::string& lane, Done done);
  // Decodes the answer of a query and tells everybody.
  void Finish(const std::string& expression, Timestamp sent,
              const absl::StatusOr<HttpAnswer>& answer, const Done& done);
  Timestamp Now() const;
  HttpCall CallOf(const std::string& url, const std::string& form, const std::string& lane,
                  bool get) const;

  const PrometheusClientOptions options_;
  HttpTransport& transport_;
  // The server has refused a POST: some proxies let only GET pass.
  std::atomic<bool> get_only_{false};
};

}  // namespace alertjoin
