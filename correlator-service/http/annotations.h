#pragma once

#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

constexpr size_t kAnnotationsDefault = 1000;
constexpr size_t kAnnotationsMax = 10'000;

// Answers a GET with the episodes of alerts as Grafana draws annotations: a JSON array, newest
// start first, of
//   {"time":<start, epoch ms>,"timeEnd":<end; for one that still fires the end of the range, or
//    now>,"title":<alert name>,"text":<its summary or description, and what each of its queries
//    said when it fired and when it was resolved>,"tags":["name:value" of each label],
//    "state":"firing"|"resolved","id":<alert_id>}
// The parameters are the fields of ListAlertsRequest, and `limit`. Errors are as Connect writes
// them. Thread-safe; waits for the answers.
HttpResponse AnswerAnnotations(const RpcCalls& calls, const Clock& clock,
                               const HttpRequest& request);

}  // namespace alertjoin
