#include "ingest-service/prometheus/same_options.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace alertjoin {
namespace {

// The members of each, all of them: with one more or less these do not compile.
auto Members(const SecretText& value) {
  const auto& [text, file] = value;
  return std::tie(text, file);
}
auto Members(const QueryOptions& value) {
  const auto& [name, expression, interval, window, step] = value;
  return std::tie(name, expression, interval, window, step);
}
auto Members(const LearnOptions& value) {
  const auto& [poll, refresh, around, interval, queries_max] = value;
  return std::tie(poll, refresh, around, interval, queries_max);
}
auto Members(const BackfillTerms& value) {
  const auto& [from, to, step, requests_per_second, queries] = value;
  return std::tie(from, to, step, requests_per_second, queries);
}

template <typename T>
bool Same(const T& a, const T& b) {
  return Members(a) == Members(b);
}

template <typename T>
bool Same(const std::optional<T>& a, const std::optional<T>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || Same(*a, *b));
}

template <typename T>
bool Same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::ranges::equal(a, b, [](const T& one, const T& other) { return Same(one, other); });
}

bool Same(const HttpBasicAuth& a, const HttpBasicAuth& b) {
  const auto& [username, username_file, password] = a;
  return username == b.username && username_file == b.username_file && Same(password, b.password);
}

bool Same(const HttpAuthorization& a, const HttpAuthorization& b) {
  const auto& [type, credentials] = a;
  return type == b.type && Same(credentials, b.credentials);
}

bool Same(const TlsClientOptions& a, const TlsClientOptions& b) {
  const auto& [ca, cert, key, server_name, insecure_skip_verify, min_version, max_version] = a;
  return Same(ca, b.ca) && Same(cert, b.cert) && Same(key, b.key) && server_name == b.server_name &&
         insecure_skip_verify == b.insecure_skip_verify && min_version == b.min_version &&
         max_version == b.max_version;
}

bool Same(const HttpHeaderOptions& a, const HttpHeaderOptions& b) {
  const auto& [name, values, secrets] = a;
  return name == b.name && values == b.values && Same(secrets, b.secrets);
}

bool SameOptional(const std::optional<HttpBasicAuth>& a, const std::optional<HttpBasicAuth>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || Same(*a, *b));
}

bool SameOptional(const std::optional<HttpAuthorization>& a,
                  const std::optional<HttpAuthorization>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || Same(*a, *b));
}

bool Same(const HttpClientOptions& a, const HttpClientOptions& b) {
  const auto& [basic_auth, authorization, tls, headers, follow_redirects, proxy_url, no_proxy,
               response_bytes_max] = a;
  const auto same_header = [](const HttpHeaderOptions& one, const HttpHeaderOptions& other) {
    return Same(one, other);
  };
  return SameOptional(basic_auth, b.basic_auth) && SameOptional(authorization, b.authorization) &&
         Same(tls, b.tls) && std::ranges::equal(headers, b.headers, same_header) &&
         follow_redirects == b.follow_redirects && proxy_url == b.proxy_url &&
         no_proxy == b.no_proxy && response_bytes_max == b.response_bytes_max;
}

}  // namespace

bool SameSource(const MetricsSourceOptions& a, const MetricsSourceOptions& b) {
  const auto& [name, url, external_url, timeout, settle_delay, lookback, http, queries, learn,
               backfill, alert_source, reconcile] = a;
  return name == b.name && url == b.url && external_url == b.external_url && timeout == b.timeout &&
         settle_delay == b.settle_delay && lookback == b.lookback && Same(http, b.http) &&
         Same(queries, b.queries) && Same(learn, b.learn) && Same(backfill, b.backfill) &&
         alert_source == b.alert_source && reconcile == b.reconcile;
}

bool SameSources(const std::vector<MetricsSourceOptions>& a,
                 const std::vector<MetricsSourceOptions>& b) {
  return std::ranges::equal(a, b, SameSource);
}

}  // namespace alertjoin
