#include "ingest-service/prometheus/query_result.h"

#include <fmt/format.h>

#include <exception>

#include "common/status/status.h"
#include "ingest-service/prometheus/query_answer_handler.h"

namespace alertjoin {
namespace {

constexpr size_t kExcerptBytes = 300;

absl::Status HttpError(int code, std::string_view body) {
  const std::string message = fmt::format("HTTP {}: \"{}\"", code, Excerpt(body, kExcerptBytes));
  if (code == 401) return absl::UnauthenticatedError(message + ": check the credentials");
  if (code == 403) return absl::PermissionDeniedError(message + ": check the credentials");
  if (code == 400 || code == 422) return absl::InvalidArgumentError(message);
  if (code == 404 || code == 406) {
    return absl::NotFoundError(message + ": check the URL of the metrics source");
  }
  if (code >= 300 && code < 400) {
    return absl::FailedPreconditionError(message +
                                         ": redirects are not followed, give the final URL");
  }
  return absl::UnavailableError(message);
}

absl::Status ApiError(int code, const QueryAnswer& answer) {
  const std::string message = fmt::format("{}: {}", Excerpt(answer.error_type, kExcerptBytes),
                                          Excerpt(answer.error, kExcerptBytes));
  const std::string& type = answer.error_type;
  if (type == "bad_data" || type == "execution") return absl::InvalidArgumentError(message);
  if (type == "not_found" || type == "not_acceptable") return absl::NotFoundError(message);
  const bool known =
      type == "timeout" || type == "canceled" || type == "internal" || type == "unavailable";
  // Other servers of this API have types of their own.
  return known ? absl::UnavailableError(message) : HttpError(code, message);
}

bool IsPromqlInfo(const std::string& warning) {
  // Prometheus 2.48 to 2.53 sent hints on the expression as warnings; nothing is missing then.
  return warning.rfind("PromQL info:", 0) == 0;
}

absl::StatusOr<QueryResult> Judge(int code, QueryAnswer& answer) {
  if (answer.status == "error") return ApiError(code, answer);
  if (code < 200 || code > 299 || answer.status != "success") {
    return HttpError(code, fmt::format("status \"{}\"", Excerpt(answer.status, kExcerptBytes)));
  }
  if (answer.result_type == "string") {
    return absl::InvalidArgumentError("the expression gives text, not samples");
  }
  if (!answer.has_result) return absl::UnavailableError("the answer has no data.result");
  for (const ResultSeries& series : answer.result.series) {
    if (series.times.size() != series.values.size()) {
      return absl::UnavailableError("the answer has a time without a value");
    }
  }
  for (const std::string& warning : answer.result.warnings) {
    answer.result.partial |= !IsPromqlInfo(warning);
  }
  return std::move(answer.result);
}

}  // namespace

absl::StatusOr<QueryResult> DecodeQueryAnswer(int http_code, std::string_view body) {
  const bool success = http_code >= 200 && http_code <= 299;
  QueryAnswerHandler handler;
  bool parsed = false;
  try {
    parsed = nlohmann::json::sax_parse(body.begin(), body.end(), &handler);
  } catch (const std::exception& e) {
    return absl::UnavailableError(fmt::format("answer of {} bytes: {}", body.size(), e.what()));
  }
  if (parsed) return Judge(http_code, handler.answer());
  if (!success) return HttpError(http_code, body);
  return absl::UnavailableError(fmt::format("answer is not of the Prometheus API: {}: \"{}\"",
                                            handler.failure(), Excerpt(body, kExcerptBytes)));
}

bool IsPermanent(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument;
}

}  // namespace alertjoin
