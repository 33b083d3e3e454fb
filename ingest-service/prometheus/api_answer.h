#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alertjoin {

// Longest answer that is made a document: that takes several times its memory.
constexpr size_t kApiDocumentBytesMax = size_t{32} << 20;

// What an HTTP answer without success, or one that is none of the Prometheus API's, means:
//   INVALID_ARGUMENT   400: what was asked is at fault.
//   ABORTED            422: the server could not do it, and perhaps later can.
//   NOT_FOUND          404 and 406: the URL is at fault.
//   UNAUTHENTICATED, PERMISSION_DENIED   401 and 403.
//   FAILED_PRECONDITION   a redirect, which is not followed.
//   DEADLINE_EXCEEDED  it took the server, or a proxy before it, too long: ask for less.
//   UNAVAILABLE        everything else: try again.
absl::Status HttpErrorOf(int http_code, std::string_view body);

// The same for an answer of the API that says "status":"error"; the type of the error decides, and
// where it is unknown (other servers have types of their own), the code.
// Source: prometheus/prometheus web/api/v1/api.go.
absl::Status ApiErrorOf(int http_code, std::string_view error_type, std::string_view error);

// Decodes an answer of any path below /api/v1 and gives its "data" (null when there is none), for
// answers that are small: rules, alerts, configuration. The errors are those above, with what the
// server said; RESOURCE_EXHAUSTED for a body over kApiDocumentBytesMax.
absl::StatusOr<nlohmann::json> DecodeApiData(int http_code, std::string_view body);

}  // namespace alertjoin
