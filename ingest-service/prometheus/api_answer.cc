#include "ingest-service/prometheus/api_answer.h"

#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>

#include "common/status/status.h"

namespace alertjoin {
namespace {

std::string TextOf(const nlohmann::json& document, const std::string& key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

absl::StatusOr<nlohmann::json> Judge(int code, nlohmann::json document) {
  const std::string status = TextOf(document, "status");
  if (status == "error") {
    return ApiErrorOf(code, TextOf(document, "errorType"), TextOf(document, "error"));
  }
  if (code < 200 || code > 299 || status != "success") {
    return HttpErrorOf(code, fmt::format("status \"{}\"", Excerpt(status, kLongExcerptBytes)));
  }
  const auto data = document.find("data");
  if (data == document.end()) return nlohmann::json();
  return std::move(*data);
}

}  // namespace

absl::Status HttpErrorOf(int http_code, std::string_view body) {
  const std::string message =
      fmt::format("HTTP {}: \"{}\"", http_code, Excerpt(body, kLongExcerptBytes));
  if (http_code == 401) return absl::UnauthenticatedError(message + ": check the credentials");
  if (http_code == 403) return absl::PermissionDeniedError(message + ": check the credentials");
  if (http_code == 400) return absl::InvalidArgumentError(message);
  if (http_code == 422) return absl::AbortedError(message);
  if (http_code == 404 || http_code == 406) {
    return absl::NotFoundError(message + ": check the URL of the metrics source");
  }
  // A proxy's patience; ours would have been longer.
  if (http_code == 504) return absl::DeadlineExceededError(message);
  if (http_code >= 300 && http_code < 400) {
    return absl::FailedPreconditionError(message +
                                         ": redirects are not followed, give the final URL");
  }
  return absl::UnavailableError(message);
}

absl::Status ApiErrorOf(int http_code, std::string_view error_type, std::string_view error) {
  const std::string message = fmt::format("{}: {}", Excerpt(error_type, kLongExcerptBytes),
                                          Excerpt(error, kLongExcerptBytes));
  if (error_type == "bad_data") return absl::InvalidArgumentError(message);
  if (error_type == "execution") return absl::AbortedError(message);
  if (error_type == "not_found" || error_type == "not_acceptable") {
    return absl::NotFoundError(message);
  }
  if (error_type == "timeout") return absl::DeadlineExceededError(message);
  const bool known =
      error_type == "canceled" || error_type == "internal" || error_type == "unavailable";
  return known ? absl::UnavailableError(message) : HttpErrorOf(http_code, message);
}

absl::StatusOr<nlohmann::json> DecodeApiData(int http_code, std::string_view body) {
  if (body.size() > kApiDocumentBytesMax) {
    return absl::ResourceExhaustedError(
        fmt::format("answer of {} bytes: more than {}", body.size(), kApiDocumentBytesMax));
  }
  const bool success = http_code >= 200 && http_code <= 299;
  std::string why = "not an object";
  try {
    nlohmann::json document = nlohmann::json::parse(body.begin(), body.end());
    if (document.is_object()) return Judge(http_code, std::move(document));
  } catch (const nlohmann::json::parse_error& e) {
    why = fmt::format("not JSON at byte {}", e.byte);
  } catch (const std::exception& e) {
    why = e.what();
  }
  if (!success) return HttpErrorOf(http_code, body);
  return absl::UnavailableError(fmt::format("answer is not of the Prometheus API: {}: \"{}\"", why,
                                            Excerpt(body, kLongExcerptBytes)));
}

}  // namespace alertjoin
