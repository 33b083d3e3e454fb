#include "ingest-service/deadletter/dead_letter.h"

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "common/event/event_rules.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kUtf8BytesMax = 4;

std::string ToAscii(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

// The first bytes of the body, without the part of a character at the end.
std::string_view FirstBytes(std::string_view body, size_t bytes_max) {
  const std::string_view first = body.substr(0, bytes_max);
  for (size_t cut = 0; cut < kUtf8BytesMax && cut < first.size(); ++cut) {
    const std::string_view shorter = first.substr(0, first.size() - cut);
    if (IsValidUtf8(shorter)) return shorter;
  }
  return first;
}

}  // namespace

std::string EncodeDeadLetter(const DeadLetter& letter, size_t body_bytes_max) {
  const bool truncated = letter.body.size() > body_bytes_max;
  const std::string_view body =
      truncated ? FirstBytes(letter.body, body_bytes_max) : std::string_view(letter.body);
  const bool text = IsValidUtf8(body);
  Json json;
  json["time"] = FormatRfc3339(letter.time);
  json["source"] = letter.source;
  json["path"] = letter.path;
  json["remote_address"] = letter.remote_address;
  json["content_type"] = letter.content_type;
  json["reason"] = letter.reason;
  json["message"] = letter.message;
  json["body_bytes"] = letter.body.size();
  json["body_encoding"] = text ? "text" : "base64";
  json["body_truncated"] = truncated;
  json["body"] = text ? std::string(body) : absl::Base64Escape({body.data(), body.size()});
  return ToAscii(json) + "\n";
}

absl::StatusOr<DeadLetterSummary> ReadDeadLetter(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    DeadLetterSummary summary;
    summary.time = json.at("time").get<std::string>();
    summary.source = json.at("source").get<std::string>();
    summary.reason = json.at("reason").get<std::string>();
    summary.body_bytes = json.at("body_bytes").get<uint64_t>();
    summary.json = ToAscii(json);
    return summary;
  } catch (const nlohmann::json::exception&) {
    return absl::DataLossError("not a dead letter, or damaged");
  }
}

}  // namespace alertjoin
