#pragma once

#include "common/net/http_server.h"
#include "common/time/clock.h"
#include "correlator-service/http/flat_table.h"
#include "correlator-service/http/flat_writer.h"
#include "correlator-service/http/places.h"
#include "correlator-service/http/rpc_calls.h"

namespace alertjoin {

// Answers a GET with the rows of a flat table. The parameters of the address are the fields of the
// listing's request, and
//   limit        at most so many rows, from 1 on; all by default
//   label        name of a label that gets a column of its own, label_<name>; up to kTableLabelsMax
//   time_format  rfc3339 (default) or ms
// The rows are read page by page, the next one while one is written, so that it takes the same
// memory however many there are. What is one page is answered as it is; more takes a place (503
// without one) and is streamed: an error after the first page cuts the answer off. Thread-safe. All
// must outlive the answer.
constexpr size_t kTableLabelsMax = 100;
HttpResponse AnswerTable(const RpcCalls& calls, Places& places, const FlatTable& table,
                         FlatFormat format, const Clock& clock, const HttpRequest& request);

}  // namespace alertjoin
