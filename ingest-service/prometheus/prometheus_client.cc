#include "ingest-service/prometheus/prometheus_client.h"

#include <fmt/format.h>

#include <utility>

#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/rfc3339.h"
#include "ingest-service/prometheus/api_answer.h"
#include "ingest-service/prometheus/generator_url.h"
#include "ingest-service/prometheus/http_credentials.h"

namespace alertjoin {
namespace {

constexpr int kMethodNotAllowed = 405;

PrometheusClientOptions WithoutTrailingSlash(PrometheusClientOptions options) {
  while (!options.base_url.empty() && options.base_url.back() == '/') options.base_url.pop_back();
  return options;
}

// The body, to be decoded to an error: what is shown of it has nothing that was shown to the
// server.
std::string Harmless(const HttpAnswer& answer) {
  return WithoutSecrets(answer.body, answer.secrets);
}

absl::StatusOr<QueryResult> Decode(const std::string& source,
                                   const absl::StatusOr<HttpAnswer>& answer) {
  if (!answer.ok()) return Annotate(answer.status(), source);
  auto result = DecodeQueryAnswer(answer->code, answer->body);
  if (!result.ok()) result = DecodeQueryAnswer(answer->code, Harmless(*answer));
  if (!result.ok()) return Annotate(result.status(), source);
  result->date = answer->date;
  for (auto* const remarks : {&result->warnings, &result->infos}) {
    for (std::string& remark : *remarks) {
      remark = WithoutSecrets(std::move(remark), answer->secrets);
    }
  }
  return result;
}

absl::StatusOr<nlohmann::json> DecodeData(const std::string& source,
                                          const absl::StatusOr<HttpAnswer>& answer) {
  if (!answer.ok()) return Annotate(answer.status(), source);
  auto data = DecodeApiData(answer->code, answer->body);
  if (!data.ok()) data = DecodeApiData(answer->code, Harmless(*answer));
  if (!data.ok()) return Annotate(data.status(), source);
  return data;
}

}  // namespace

PrometheusClient::PrometheusClient(PrometheusClientOptions options, HttpTransport& transport)
    : options_(WithoutTrailingSlash(std::move(options))), transport_(transport) {}

void PrometheusClient::InstantQuery(const std::string& expression, Timestamp time,
                                    const std::string& lane, Done done) {
  Send("/api/v1/query", expression,
       fmt::format("query={}&time={}&timeout={}", PercentEncode(expression),
                   PercentEncode(FormatRfc3339(time)), FormatDuration(options_.timeout)),
       lane, std::move(done));
}

void PrometheusClient::RangeQuery(const std::string& expression, Timestamp start, Timestamp end,
                                  Millis step, const std::string& lane, Done done) {
  Send("/api/v1/query_range", expression,
       fmt::format("query={}&start={}&end={}&step={}&timeout={}", PercentEncode(expression),
                   PercentEncode(FormatRfc3339(start)), PercentEncode(FormatRfc3339(end)),
                   FormatDuration(step), FormatDuration(options_.timeout)),
       lane, std::move(done));
}

void PrometheusClient::GetData(const std::string& path, const Parameters& parameters,
                               const std::string& lane, DataDone done) {
  std::string encoded;
  for (const auto& [name, value] : parameters) {
    if (!encoded.empty()) encoded += '&';
    encoded += PercentEncode(name) + "=" + PercentEncode(value);
  }
  transport_.Start(
      CallOf(options_.base_url + path, encoded, lane, true),
      [this, sent = Now(), done = std::move(done)](const absl::StatusOr<HttpAnswer>& answer) {
        auto data = DecodeData(options_.source, answer);
        if (options_.watch != nullptr) options_.watch->OnOtherAnswer(sent, answer, data.status());
        done(std::move(data));
      });
}

HttpCall PrometheusClient::CallOf(const std::string& url, const std::string& form,
                                  const std::string& lane, bool get) const {
  HttpCall call;
  call.lane = fmt::format("{}/{}", options_.source, lane);
  call.url = get && !form.empty() ? url + "?" + form : url;
  if (!get) call.form = form;
  call.headers = options_.headers;
  call.timeout = options_.timeout;
  return call;
}

Timestamp PrometheusClient::Now() const {
  return options_.watch == nullptr ? Timestamp() : options_.watch->Now();
}

void PrometheusClient::Finish(const std::string& expression, Timestamp sent,
                              const absl::StatusOr<HttpAnswer>& answer, const Done& done) {
  auto result = Decode(options_.source, answer);
  if (options_.watch != nullptr) options_.watch->OnQueryAnswer(expression, sent, answer, result);
  done(std::move(result));
}

void PrometheusClient::Send(const std::string& path, const std::string& expression,
                            std::string form, const std::string& lane, Done done) {
  const std::string url = options_.base_url + path;
  const bool posted = !get_only_;
  HttpCall call = CallOf(url, form, lane, !posted);
  transport_.Start(
      std::move(call), [this, url, expression, form = std::move(form), lane, posted, sent = Now(),
                        done = std::move(done)](const absl::StatusOr<HttpAnswer>& answer) {
        if (!posted || !answer.ok() || answer->code != kMethodNotAllowed) {
          return Finish(expression, sent, answer, done);
        }
        get_only_ = true;
        transport_.Start(CallOf(url, form, lane, true),
                         [this, expression, sent, done](const absl::StatusOr<HttpAnswer>& again) {
                           Finish(expression, sent, again, done);
                         });
      });
}

}  // namespace alertjoin
