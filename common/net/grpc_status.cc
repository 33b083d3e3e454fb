#include "common/net/grpc_status.h"

#include <string>

#include "common/status/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace alertjoin {
namespace {

constexpr char kDomain[] = "alertjoin";
// Of the message, which travels twice, once with up to three bytes for each.
constexpr size_t kMessageBytesMax = 1024;
// Of all texts in the details together.
constexpr size_t kDetailBytesMax = 2048;

// The first `bytes_max` bytes, cut between two characters.
std::string Cut(const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  const auto continues = [&](size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
  };
  size_t end = bytes_max;
  while (end > 0 && continues(end)) --end;
  return text.substr(0, end) + "...";
}

// Takes texts as long as there is room for them.
class DetailBudget {
 public:
  bool Take(const std::string& a, const std::string& b) {
    const size_t bytes = a.size() + b.size();
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  size_t left_ = kDetailBytesMax;
};

void PackDetail(const ErrorDetail& detail, google::rpc::Status* out) {
  DetailBudget budget;
  google::rpc::ErrorInfo info;
  info.set_reason(detail.reason);
  info.set_domain(kDomain);
  for (const auto& [key, value] : detail.metadata) {
    if (budget.Take(key, value)) (*info.mutable_metadata())[key] = value;
  }
  out->add_details()->PackFrom(info);
  google::rpc::BadRequest bad_request;
  for (const auto& [field, description] : detail.field_violations) {
    if (!budget.Take(field, description)) continue;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(field);
    violation->set_description(description);
  }
  if (bad_request.field_violations_size() > 0) out->add_details()->PackFrom(bad_request);
}

std::optional<ErrorDetail> UnpackDetail(const std::string& serialised) {
  google::rpc::Status status;
  if (serialised.empty() || !status.ParseFromString(serialised)) return std::nullopt;
  std::optional<ErrorDetail> detail;
  for (const auto& any : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info) && info.domain() == kDomain) {
      if (!detail.has_value()) detail.emplace();
      detail->reason = info.reason();
      for (const auto& [key, value] : info.metadata()) detail->metadata.emplace_back(key, value);
    } else if (any.Is<google::rpc::BadRequest>() && any.UnpackTo(&bad_request)) {
      if (!detail.has_value()) detail.emplace();
      for (const auto& violation : bad_request.field_violations()) {
        detail->field_violations.push_back({violation.field(), violation.description()});
      }
    }
  }
  return detail;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  // Both libraries use the canonical codes, with the same numbers.
  const int code = static_cast<int>(status.code());
  const std::string message = Cut(MessageOf(status), kMessageBytesMax);
  google::rpc::Status details;
  details.set_code(code);
  details.set_message(message);
  const ErrorDetail fallback{absl::StatusCodeToString(status.code()), {}, {}};
  PackDetail(DetailOf(status).value_or(fallback), &details);
  return grpc::Status(static_cast<grpc::StatusCode>(code), message, details.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  auto code = static_cast<absl::StatusCode>(status.error_code());
  if (absl::StatusCodeToString(code).empty()) code = absl::StatusCode::kUnknown;
  absl::Status result(code, status.error_message());
  if (const auto detail = UnpackDetail(status.error_details()))
    result = WithDetail(result, *detail);
  return result;
}

}  // namespace alertjoin
