#include "common/status/status.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace alertjoin {
namespace {

constexpr char kDetailUrl[] = "alertjoin.ErrorDetail";

}  // namespace

absl::Status WithDetail(absl::Status status, const ErrorDetail& detail) {
  CHECK(!status.ok());
  nlohmann::json fields = nlohmann::json::array();
  for (const auto& [field, description] : detail.field_violations) {
    fields.push_back({field, description});
  }
  const nlohmann::json payload = {
      {"reason", detail.reason}, {"fields", fields}, {"metadata", detail.metadata}};
  const auto replace = nlohmann::json::error_handler_t::replace;
  status.SetPayload(kDetailUrl, absl::Cord(payload.dump(-1, ' ', false, replace)));
  return status;
}

absl::Status WithReason(absl::Status status, std::string_view reason) {
  return WithDetail(std::move(status), ErrorDetail{std::string(reason), {}, {}});
}

std::optional<ErrorDetail> DetailOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kDetailUrl);
  if (!payload.has_value()) return std::nullopt;
  const auto json = nlohmann::json::parse(std::string(*payload));
  ErrorDetail detail;
  detail.reason = json.at("reason").get<std::string>();
  for (const auto& field : json.at("fields")) {
    detail.field_violations.push_back(
        {field.at(0).get<std::string>(), field.at(1).get<std::string>()});
  }
  for (const auto& entry : json.at("metadata")) {
    detail.metadata.emplace_back(entry.at(0).get<std::string>(), entry.at(1).get<std::string>());
  }
  return detail;
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), fmt::format("{}: {}", context, MessageOf(status)));
  if (const auto detail = DetailOf(status)) annotated = WithDetail(annotated, *detail);
  return annotated;
}

std::string Excerpt(std::string_view text, size_t bytes_max) {
  std::string result;
  size_t used = 0;
  for (; used < text.size() && used < bytes_max; ++used) {
    const auto byte = static_cast<unsigned char>(text[used]);
    if (byte == '"' || byte == '\\') {
      result += '\\';
      result += text[used];
    } else if (byte < 0x20 || byte >= 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += text[used];
    }
  }
  if (used < text.size()) result += "...";
  return result;
}

namespace internal {

void CheckFailed(const char* condition, const char* file, int line) {
  fmt::print(stderr, "{}:{}: invariant does not hold: {}\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace internal
}  // namespace alertjoin
