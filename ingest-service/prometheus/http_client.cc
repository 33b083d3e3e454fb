#include "ingest-service/prometheus/http_client.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "common/status/status.h"
#include "ingest-service/prometheus/generator_url.h"
#include "ingest-service/prometheus/http_credentials.h"

namespace alertjoin {
namespace {

constexpr int kRedirectsMax = 10;

// A call and the redirects that it meets. Kept alive by the call that is under way.
struct Exchange {
  HttpTransport& transport;
  const Clock& clock;
  HttpCall call;
  HttpTransport::Done done;
  std::vector<Secret> secrets;
  Clock::Steady deadline;
  bool follow_redirects;
  int redirects = 0;

  void Finish(absl::StatusOr<HttpAnswer> answer) {
    if (!answer.ok()) {
      const absl::Status& status = answer.status();
      return done(absl::Status(status.code(), WithoutSecrets(MessageOf(status), secrets)));
    }
    const bool success = answer->code >= 200 && answer->code <= 299;
    const bool json = !answer->body.empty() && answer->body.front() == '{';
    if (!success || !json) answer->body = WithoutSecrets(std::move(answer->body), secrets);
    answer->secrets = std::move(secrets);
    done(std::move(answer));
  }
};

void Send(const std::shared_ptr<Exchange>& exchange);

// The same request again is what 307 and 308 ask for, and what 301 and 302 allow.
bool KeepsRequest(const HttpCall& call, int code) {
  return code == 301 || code == 302 || code == 307 || code == 308 ||
         (code == 303 && !call.form.has_value());
}

// Whether the answer leads elsewhere; an error when it leads where nothing is sent.
absl::StatusOr<bool> Redirects(Exchange& exchange, const HttpAnswer& answer) {
  const bool follows = exchange.follow_redirects && !answer.redirect_url.empty() &&
                       KeepsRequest(exchange.call, answer.code);
  if (!follows) return false;
  const auto origin = OriginOf(answer.redirect_url);
  if (!origin.has_value() || origin != OriginOf(exchange.call.url)) {
    return absl::FailedPreconditionError(fmt::format(
        "HTTP {}: redirected to another server ({}), where nothing is sent: give the final URL",
        answer.code, Excerpt(origin.value_or("of another scheme"), kLongExcerptBytes)));
  }
  if (++exchange.redirects > kRedirectsMax) {
    return absl::FailedPreconditionError(
        fmt::format("redirected more than {} times: check the URL", kRedirectsMax));
  }
  return true;
}

void OnAnswer(const std::shared_ptr<Exchange>& exchange, absl::StatusOr<HttpAnswer> answer) {
  if (!answer.ok()) return exchange->Finish(std::move(answer));
  const auto redirects = Redirects(*exchange, *answer);
  if (!redirects.ok()) return exchange->Finish(redirects.status());
  if (!*redirects) return exchange->Finish(std::move(answer));
  exchange->call.url = answer->redirect_url;
  Send(exchange);
}

void Send(const std::shared_ptr<Exchange>& exchange) {
  HttpCall call = exchange->call;
  const auto left = exchange->deadline - exchange->clock.SteadyNow();
  call.timeout = std::chrono::ceil<Millis>(left);
  if (call.timeout <= Millis(0)) {
    return exchange->Finish(absl::DeadlineExceededError("timed out while being redirected"));
  }
  exchange->transport.Start(std::move(call), [exchange](absl::StatusOr<HttpAnswer> answer) {
    OnAnswer(exchange, std::move(answer));
  });
}

}  // namespace

HttpClient::HttpClient(HttpClientOptions options, HttpTransport& transport, const Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {}

void HttpClient::Start(HttpCall call, Done done) {
  auto credentials = ReadCredentials(options_);
  if (!credentials.ok()) {
    return done(absl::UnauthenticatedError(MessageOf(credentials.status())));
  }
  for (std::string& header : credentials->headers) call.headers.push_back(std::move(header));
  call.tls = std::move(credentials->tls);
  call.proxy_url = options_.proxy_url;
  call.no_proxy = options_.no_proxy;
  call.body_bytes_max = options_.response_bytes_max;
  const Clock::Steady deadline = clock_.SteadyNow() + call.timeout;
  Send(std::make_shared<Exchange>(Exchange{transport_, clock_, std::move(call), std::move(done),
                                           std::move(credentials->secrets), deadline,
                                           options_.follow_redirects}));
}

}  // namespace alertjoin
