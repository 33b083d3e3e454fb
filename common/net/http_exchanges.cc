#include "common/net/http_exchanges.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <utility>
#include <variant>

#include "common/access/access_control.h"
#include "common/access/access_table.h"
#include "common/status/status.h"
#include "common/text/url_query.h"

namespace alertjoin {
namespace {

constexpr char kTextType[] = "text/plain; charset=utf-8";
constexpr std::string_view kClose = "close";
bool AsksToClose(const HttpHead& head) {
  const std::string& connection = head.Get("connection");
  return std::search(connection.begin(), connection.end(), kClose.begin(), kClose.end(),
                     [](char a, char b) { return (a | 0x20) == b; }) != connection.end();
}

bool TakesBody(const std::string& method) { return method == "POST" || method == "PUT"; }

void Fill(httplib::Response& to, HttpResponse from) {
  to.status = from.status;
  for (const auto& [name, value] : from.headers) to.set_header(name, value);
  // A message of protobuf that says nothing has no bytes, and is one all the same.
  if (!from.body.empty() || from.stream || from.status == 200) {
    to.set_header("Content-Type", from.content_type);
    to.body = std::move(from.body);
  }
}

HttpResponse AnswerTo(const HttpRefusal& refusal) {
  HttpResponse response;
  response.status = refusal.status;
  response.body = refusal.message + "\n";
  return response;
}

// cpp-httplib would drop all of a value that stands before its last "=".
std::multimap<std::string, std::string> ParametersOf(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == target.npos ? std::multimap<std::string, std::string>()
                             : ParseUrlQuery(target.substr(mark + 1));
}

// cpp-httplib's own answers to a malformed request have no text.
const char* TextFor(int status) {
  switch (status) {
    case 413:
      return "the body is too large\n";
    case 414:
      return "the address is too long\n";
    case 416:
      return "malformed Range\n";
    default:
      return status < 500 ? "malformed request\n" : "internal error\n";
  }
}

}  // namespace

// A request on its way through cpp-httplib, whose handlers see less than we know.
struct HttpExchanges::Exchange {
  HttpConnection* connection = nullptr;
  HttpHead head;
  std::string path;
  std::optional<HttpRoutes::Match> match;
  std::string identity;
  SharedAdmission admission = nullptr;
  bool takes_body = false;
  bool close_asked = false;
  bool is_awaited = false;  // Counts in awaiting_.
  // Until the body has been read to its end, the next bytes are no request.
  bool close_after = true;
  HttpStreamer stream;  // With a place.
  HttpStreamPlaces::Place place = nullptr;
  bool chunked = false;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

thread_local HttpExchanges::Exchange* HttpExchanges::current_ = nullptr;

HttpExchanges::HttpExchanges(const HttpServerOptions& options, HttpStreamPlaces& streams,
                             const StopEvent& stop)
    : options_(options), streams_(streams), stop_(stop) {
  set_payload_max_length(options_.body_bytes_max);
  set_expect_100_continue_handler(
      [this](const httplib::Request&, httplib::Response& response) { return OnExpect(response); });
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return BeforeRouting(request, response);
  });
  const auto on_body = [this](const httplib::Request& request, httplib::Response& response,
                              const httplib::ContentReader& reader) {
    OnBody(request, response, reader);
  };
  httplib::Server::Post("/", on_body);
  httplib::Server::Put("/", on_body);
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty()) response.set_content(TextFor(response.status), kTextType);
  });
  set_exception_handler([](const httplib::Request&, httplib::Response& response,
                           std::exception_ptr) { response.status = 500; });
  set_post_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    BeforeWriting(request, response);
  });
}

void HttpExchanges::AddRoute(const std::string& method, const std::string& pattern,
                             HttpServer::Handler handler, bool takes_body) {
  CHECK(method == "GET" || TakesBody(method));
  routes_.Add(method, pattern, std::move(handler), takes_body);
}

HttpExchanges::Served HttpExchanges::Serve(HttpConnection& connection) {
  Exchange exchange;
  exchange.connection = &connection;
  auto parsed = ParseHttpHead(connection.head());
  if (const auto* refusal = std::get_if<HttpRefusal>(&parsed)) {
    Refuse(connection, *refusal);
    return {};
  }
  exchange.head = std::get<HttpHead>(std::move(parsed));
  exchange.close_asked = AsksToClose(exchange.head);
  current_ = &exchange;
  // Whatever happens meanwhile.
  const std::unique_ptr<Exchange, std::function<void(Exchange*)>> end(
      &exchange, [this](const Exchange* ended) {
        if (ended->is_awaited) --awaiting_;
        current_ = nullptr;
      });
  bool closed = false;
  const bool written = process_request(connection, false, closed,
                                       [this](httplib::Request& request) { OnHead(request); });
  const bool sent = connection.Flush() && written;
  if (exchange.stream) {
    if (!sent || exchange.head.method == "HEAD") return {};
    return {Next::kStream, std::move(exchange.stream), std::move(exchange.place), exchange.chunked};
  }
  return {sent && !closed && !exchange.close_after ? Next::kRequest : Next::kClose};
}

bool HttpExchanges::WaitsForBody(const HttpHead& head, const HttpConnection& connection) const {
  const uint64_t bytes = head.content_length.value_or(0);
  if (bytes > options_.body_bytes_max || head.Has("transfer-encoding")) return false;
  const std::string path = head.target.substr(0, head.target.find('?'));
  // A path in another writing is read by cpp-httplib.
  if (bytes <= kHttpSmallBytes || path.find('%') != path.npos) return true;
  if (access_ != nullptr &&
      !access_->MayPassHttp(head.method, path,
                            {head.Get("authorization"), connection.certificate_name(),
                             connection.certificate_chain()})) {
    return false;
  }
  const auto found = routes_.Find(head.method, path);
  const auto* const match = std::get_if<HttpRoutes::Match>(&found);
  return match != nullptr &&
         !CheckHttpBody(head, TakesBody(head.method) && match->takes_body, options_.body_bytes_max);
}

HttpResponse HttpExchanges::WithPlace(HttpResponse response) {
  if (!response.stream) return response;
  current_->place = streams_.Take();
  if (current_->place == nullptr) {
    ObserveOverload(HttpOverload::kStreams);
    return AnswerTo({503, fmt::format("{} answers are streamed already, which is the limit: end "
                                      "one, or try again later",
                                      options_.streams_max)});
  }
  current_->stream = response.stream;
  return response;
}

void HttpExchanges::OnHead(httplib::Request& request) {
  current_->path = std::exchange(request.path, std::string("/"));
  // Many overlapping ranges would multiply an answer, and no handler has any use for one.
  request.ranges.clear();
}

std::optional<HttpResponse> HttpExchanges::CheckAccess() {
  using Outcome = AccessControl::Verdict::Outcome;
  if (access_ == nullptr) return std::nullopt;
  Exchange& exchange = *current_;
  AccessControl::Verdict verdict = access_->CheckHttp(
      exchange.head.method, exchange.path,
      {exchange.head.Get("authorization"), exchange.connection->certificate_name(),
       exchange.connection->certificate_chain()});
  exchange.identity = std::move(verdict.identity);
  exchange.admission = std::move(verdict.admission);
  if (verdict.outcome == Outcome::kAllowed) return std::nullopt;
  const int status = verdict.outcome == Outcome::kUnknown  ? 401
                     : verdict.outcome == Outcome::kDenied ? 403
                                                           : 503;
  HttpResponse response = AnswerTo({status, verdict.message});
  if (!verdict.challenge.empty()) {
    response.headers.emplace_back("WWW-Authenticate", verdict.challenge);
  }
  exchange.close_after =
      TakesBody(exchange.head.method) || CheckHttpBody(exchange.head, false, 0).has_value();
  return response;
}

std::optional<HttpResponse> HttpExchanges::CheckHostAndOrigin() {
  if (!options_.checks_hosts) return std::nullopt;
  const HttpHead& head = current_->head;
  std::optional<HttpRefusal> refusal;
  if (checks_host_) refusal = host_rule_.CheckHost(head);
  const auto rule = AccessOfHttp(head.method, current_->path);
  const bool reads = rule.has_value() && rule->roles.HasAnyOf({Role::kRead});
  if (!refusal.has_value() && TakesBody(head.method) && !reads) {
    refusal = host_rule_.CheckOrigin(head);
  }
  if (!refusal.has_value()) return std::nullopt;
  LogRefusal(*refusal);
  return AnswerTo(*refusal);
}

std::optional<HttpResponse> HttpExchanges::Guard() {
  if (auto refused = CheckHostAndOrigin()) return refused;
  if (auto refused = CheckAccess()) return refused;
  Exchange& exchange = *current_;
  auto found = routes_.Find(exchange.head.method, exchange.path);
  const bool takes_body = TakesBody(exchange.head.method);
  std::optional<HttpResponse> refused;
  if (const auto* not_found = std::get_if<HttpRoutes::NotFound>(&found)) {
    refused = AnswerTo(not_found->refusal);
    if (takes_body) LogRefusal(not_found->refusal);
    if (!not_found->allow.empty()) refused->headers.emplace_back("Allow", not_found->allow);
    // With no body to come the connection is fit for more.
    exchange.close_after = takes_body || CheckHttpBody(exchange.head, false, 0).has_value();
    return refused;
  }
  exchange.match = std::get<HttpRoutes::Match>(std::move(found));
  exchange.takes_body = takes_body && exchange.match->takes_body;
  if (auto refusal = CheckHttpBody(exchange.head, exchange.takes_body, options_.body_bytes_max)) {
    LogRefusal(*refusal);
    return AnswerTo(*refusal);
  }
  return std::nullopt;
}

void HttpExchanges::LogRefusal(const HttpRefusal& refusal) {
  if (!refusal_limiter_.Allow()) return;
  LogWarn("HTTP request refused", {{"method", current_->head.method},
                                   {"path", Excerpt(current_->path, kLongExcerptBytes)},
                                   {"code", std::to_string(refusal.status)},
                                   {"reason", refusal.message}});
}

int HttpExchanges::OnExpect(httplib::Response& response) {
  auto refused = Guard();
  // These hold a thread each until their bodies are there: never all of them.
  if (!refused.has_value() && ++awaiting_ > std::max<size_t>(1, options_.threads / 2)) {
    --awaiting_;
    ObserveOverload(HttpOverload::kAwaitedBodies);
    refused = AnswerTo({503, "too many bodies are awaited: send it without Expect"});
  }
  if (!refused.has_value()) {
    current_->is_awaited = true;
    HttpByteBudget::Share& share = current_->connection->share();
    if (share.Hold(current_->head.content_length.value_or(0))) return 100;
    share.Hold(0);
    ObserveOverload(HttpOverload::kLargeBodies);
    refused = AnswerTo({503, kTooManyLarge});
  }
  Fill(response, *std::move(refused));
  return response.status;
}

httplib::Server::HandlerResponse HttpExchanges::BeforeRouting(const httplib::Request& request,
                                                              httplib::Response& response) {
  if (auto refused = Guard()) {
    Fill(response, *std::move(refused));
    return HandlerResponse::Handled;
  }
  current_->connection->StartBody();
  if (current_->takes_body) return HandlerResponse::Unhandled;
  current_->close_after = false;
  Fill(response, WithPlace(Call(request, "")));
  return HandlerResponse::Handled;
}

void HttpExchanges::OnBody(const httplib::Request& request, httplib::Response& response,
                           const httplib::ContentReader& reader) {
  HttpConnection& connection = *current_->connection;
  const size_t bytes = current_->head.content_length.value_or(0);
  std::optional<std::string> body = connection.TakeBody(bytes);
  if (!body.has_value()) {
    body.emplace().reserve(bytes);
    const bool complete = reader([&body](const char* data, size_t size) {
      body->append(data, size);
      return true;
    });
    if (!complete && stop_.stopped()) {
      return Fill(response, AnswerTo({503, "the service stops: send it again"}));
    }
    if (!complete) {
      const bool late = connection.timed_out();
      return Fill(response,
                  AnswerTo({late ? 408 : 400, late ? "the body did not come in time"
                                                   : "the connection ended within the body"}));
    }
  }
  current_->close_after = false;
  HttpResponse answer = Call(request, *std::move(body));
  // The body is gone, and whoever has the answer may send the next one.
  connection.share().Hold(0);
  Fill(response, WithPlace(std::move(answer)));
}

HttpResponse HttpExchanges::Call(const httplib::Request& request, std::string body) {
  Exchange& exchange = *current_;
  HttpRequest own{exchange.head.method,
                  exchange.path,
                  ParametersOf(exchange.head.target),
                  std::move(body),
                  request.remote_addr,
                  std::move(exchange.identity),
                  std::move(exchange.admission),
                  std::move(exchange.head.headers),
                  std::move(exchange.match->path_parts)};
  static LogLimiter limiter(std::chrono::seconds(10));
  try {
    return (*exchange.match->handler)(own);
  } catch (const std::exception& error) {
    if (limiter.Allow()) {
      LogError("request handler failed", {{"path", own.path}, {"error", error.what()}});
    }
  }
  return AnswerTo({500, "internal error"});
}

void HttpExchanges::BeforeWriting(const httplib::Request& request, httplib::Response& response) {
  Exchange& exchange = *current_;
  if (exchange.stream) {
    exchange.close_after = true;
    exchange.chunked = request.version == "HTTP/1.1";
    response.headers.erase("Content-Length");
    if (exchange.chunked) response.set_header("Transfer-Encoding", "chunked");
  }
  if (exchange.close_asked || stop_.stopped()) exchange.close_after = true;
  response.headers.erase("Keep-Alive");  // Would state the limits of cpp-httplib's own listener.
  if (access_ != nullptr) {
    for (const auto& [name, value] : access_->state()->config.headers) {
      response.headers.erase(name);
      response.set_header(name.c_str(), value);
    }
  }
  if (exchange.close_after) {
    response.headers.erase("Connection");
    response.set_header("Connection", "close");
  }
  Observe(exchange.head.method, exchange.match ? *exchange.match->pattern : "", response.status,
          std::chrono::steady_clock::now() - exchange.start);
}

void HttpExchanges::Refuse(HttpConnection& connection, const HttpRefusal& refusal) const {
  Observe("", "", refusal.status);
  const std::string body = refusal.message + "\n";
  const std::string answer = fmt::format(
      "HTTP/1.1 {} Refused\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close"
      "\r\n\r\n{}",
      refusal.status, kTextType, body.size(), body);
  connection.write(answer.data(), answer.size());
}

}  // namespace alertjoin
