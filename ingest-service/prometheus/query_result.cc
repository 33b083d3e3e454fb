#include "ingest-service/prometheus/query_result.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/status.h"
#include "ingest-service/prometheus/api_answer.h"
#include "ingest-service/prometheus/query_answer_parser.h"

namespace alertjoin {
namespace {

// Prometheus 2.48 to 2.53 sent hints on the expression as warnings; nothing is missing then.
bool IsPromqlInfo(const std::string& warning) { return warning.starts_with("PromQL info:"); }

// What the evaluation had to leave out. Source: prometheus/prometheus util/annotations.
bool IsPromqlWarning(const std::string& warning) { return warning.starts_with("PromQL warning:"); }

absl::StatusOr<QueryResult> Judge(int code, QueryAnswer& answer) {
  if (answer.status == "error") return ApiErrorOf(code, answer.error_type, answer.error);
  if (code < 200 || code > 299 || answer.status != "success") {
    return HttpErrorOf(code,
                       fmt::format("status \"{}\"", Excerpt(answer.status, kLongExcerptBytes)));
  }
  if (answer.result_type == "string") {
    return absl::InvalidArgumentError("the expression gives text, not samples");
  }
  if (!answer.has_result) return absl::UnavailableError("the answer has no data.result");
  if (answer.is_text) return absl::UnavailableError("the answer is a number that is none");
  for (const std::string& warning : answer.result.warnings) {
    answer.result.partial |= !IsPromqlInfo(warning);
    answer.result.may_heal |= !IsPromqlInfo(warning) && !IsPromqlWarning(warning);
  }
  return std::move(answer.result);
}

}  // namespace

absl::StatusOr<QueryResult> DecodeQueryAnswer(int http_code, std::string_view body) {
  const bool success = http_code >= 200 && http_code <= 299;
  QueryAnswer answer;
  const std::string failure = ParseQueryAnswer(body, &answer);
  if (failure.empty()) return Judge(http_code, answer);
  if (!success) return HttpErrorOf(http_code, body);
  return absl::UnavailableError(fmt::format("answer is not of the Prometheus API: {}: \"{}\"",
                                            failure, Excerpt(body, kLongExcerptBytes)));
}

Timestamp AskedAtMost(const QueryResult& result, Millis took) {
  if (!result.date) return Timestamp::Max();
  return *result.date + Millis(std::chrono::seconds(1)) - took;
}

Millis BehindAtLeast(const QueryResult& result, Timestamp sent) {
  return result.date ? std::max(Millis(0), sent - AskedAtMost(result, Millis(0))) : Millis(0);
}

bool IsPermanent(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument;
}

bool IsOfQuery(const absl::Status& status) {
  return IsPermanent(status) || absl::IsAborted(status);
}

bool MayBeTooMuch(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsDeadlineExceeded(status) || IsOfQuery(status);
}

}  // namespace alertjoin
