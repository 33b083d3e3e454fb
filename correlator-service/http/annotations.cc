#include "correlator-service/http/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/event/event_parts.h"
#include "common/net/grpc_status.h"
#include "common/net/message_bytes.h"
#include "common/status/error_reason.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/http/connect_calls.h"
#include "correlator-service/http/connect_error.h"
#include "correlator-service/http/messages.h"
#include "correlator-service/http/request_parameters.h"

namespace alertjoin {
namespace {

using nlohmann::ordered_json;

constexpr int kPageSize = 1000;
// Beyond these, annotations have no values.
constexpr int kValuePagesMax = 10;

int64_t MillisOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

struct Query {
  v1::ListAlertsRequest request;
  size_t limit = kAnnotationsDefault;
};

absl::StatusOr<Query> ReadQuery(Timestamp now, const HttpRequest& request) {
  Query query;
  std::set<std::string> seen;
  for (const auto& [name, value] : request.parameters) {
    if (!seen.insert(name).second) {
      return InvalidField("INVALID_PARAMETER", Excerpt(name), "given more than once");
    }
    if (name != "limit") {
      RETURN_IF_ERROR(SetParameter(name, value, now, &query.request, {"limit"}));
      continue;
    }
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), query.limit);
    if (value.empty() || error != std::errc() || end != value.data() + value.size() ||
        query.limit == 0 || query.limit > kAnnotationsMax) {
      return InvalidField("INVALID_PARAMETER", "limit",
                          fmt::format("expected a number from 1 to {}", kAnnotationsMax));
    }
  }
  return query;
}

template <typename Request, typename Response>
grpc::Status Ask(const RpcCalls& calls, const SharedAdmission& caller, const char* method,
                 const Request& request, Response* response) {
  grpc::ByteBuffer bytes;
  const grpc::Status status =
      RpcUnary(calls, caller, MethodPath(*CorrelatorServiceDescriptor().FindMethodByName(method)),
               ToBytes(request), kRpcTimeout)
          .Wait(&bytes);
  if (!status.ok() || FromBytes(bytes, response)) return status;
  return ToGrpcStatus(absl::InternalError("an answer cannot be read"));
}

// What the queries of an episode said, by episode.
class EpisodeValues {
 public:
  // What cannot be had is left out: an annotation is of use without it, too.
  void Read(const RpcCalls& calls, const SharedAdmission& caller,
            const v1::ListAlertsRequest& asked) {
    v1::ListJoinedRowsRequest request;
    request.set_filter(asked.filter());
    request.set_match_state(v1::MATCH_STATE_MATCHED);
    request.set_page_size(kPageSize);
    // A transition of an episode that was going on may be before the range, and one after it.
    if (asked.has_to()) *request.mutable_to() = asked.to();
    if (asked.has_from()) *request.mutable_from() = asked.from();
    for (int page = 0; page < kValuePagesMax; ++page) {
      v1::ListJoinedRowsResponse answer;
      if (!Ask(calls, caller, "ListJoinedRows", request, &answer).ok()) return;
      for (const v1::JoinedRow& row : answer.rows()) Add(row);
      if (answer.next_page_token().empty()) return;
      request.set_page_token(answer.next_page_token());
    }
  }

  // "queue_depth: 97 when it fired, 12 when it was resolved", a line for each query.
  std::string TextOf(const v1::Transition& transition) const {
    const auto found = values_.find(KeyOf(transition));
    if (found == values_.end()) return "";
    std::string text;
    for (const auto& [query, said] : found->second) {
      std::vector<std::string> parts;
      if (said.fired) parts.push_back(fmt::format("{} when it fired", *said.fired));
      if (said.resolved) parts.push_back(fmt::format("{} when it was resolved", *said.resolved));
      text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", query, fmt::join(parts, ", "));
    }
    return text;
  }

 private:
  using Key = std::tuple<std::string, std::string, int64_t>;
  struct Said {
    std::optional<double> fired;
    std::optional<double> resolved;
  };

  static Key KeyOf(const v1::Transition& transition) {
    return {transition.source(), transition.fingerprint(), MillisOf(transition.starts_at())};
  }
  void Add(const v1::JoinedRow& row) {
    Said& said = values_[KeyOf(row.transition())][row.query().name()];
    const bool resolved = row.transition().state() == v1::ALERT_STATE_RESOLVED;
    auto& value = resolved ? said.resolved : said.fired;
    if (!value) value = row.match().value();
  }

  std::map<Key, std::map<std::string, Said>> values_;
};

ordered_json AnnotationOf(const v1::Alert& alert, int64_t end_of_range,
                          const EpisodeValues& values) {
  const v1::Transition& transition = alert.transition();
  const int64_t start = MillisOf(transition.starts_at());
  std::string text;
  for (const char* name : {"summary", "description", "message"}) {
    const auto found = transition.annotations().find(name);
    if (found == transition.annotations().end() || !text.empty()) continue;
    text = found->second;
  }
  if (const std::string said = values.TextOf(transition); !said.empty()) {
    text += (text.empty() ? "" : "\n") + said;
  }
  std::set<std::string> tags;
  for (const auto& [name, value] : transition.labels()) tags.insert(name + ":" + value);
  const bool fires = !transition.has_ends_at();
  return {{"id", alert.alert_id()},
          {"time", start},
          {"timeEnd", fires ? std::max(start, end_of_range) : MillisOf(transition.ends_at())},
          {"title", transition.alert_name()},
          {"text", text},
          {"tags", tags},
          {"state", fires ? "firing" : "resolved"}};
}

}  // namespace

HttpResponse AnswerAnnotations(const RpcCalls& calls, const Clock& clock,
                               const HttpRequest& request) {
  auto query = ReadQuery(clock.Now(), request);
  if (!query.ok()) return ConnectErrorResponse(ToGrpcStatus(query.status()));
  const int64_t now = clock.Now().millis();
  const int64_t end = query->request.has_to() ? std::min(now, MillisOf(query->request.to())) : now;
  ordered_json annotations = ordered_json::array();
  EpisodeValues values;
  for (;;) {
    const size_t left = query->limit - annotations.size();
    query->request.set_page_size(static_cast<int>(std::min<size_t>(left, kPageSize)));
    v1::ListAlertsResponse answer;
    if (const auto status = Ask(calls, request.admission, "ListAlerts", query->request, &answer);
        !status.ok()) {
      return ConnectErrorResponse(status);
    }
    if (annotations.empty() && answer.alerts_size() > 0) {
      values.Read(calls, request.admission, query->request);
    }
    for (const v1::Alert& alert : answer.alerts()) {
      annotations.push_back(AnnotationOf(alert, end, values));
    }
    if (answer.next_page_token().empty() || annotations.size() >= query->limit) break;
    query->request.set_page_token(answer.next_page_token());
  }
  HttpResponse response;
  response.content_type = "application/json";
  response.body = annotations.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return response;
}

}  // namespace alertjoin
