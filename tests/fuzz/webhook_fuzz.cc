// libFuzzer target: bodies of webhooks. Whatever comes, it is taken or refused with one of three
// reasons; what is taken is JSON to another parser, too, with as many alerts as there are events
// and faults, each event with the labels that its alert has there; what is said to be no JSON is
// none to that one either; and the same body says the same twice.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/webhook_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/status/status.h"
#include "ingest-service/alertmanager/json_limits.h"
#include "ingest-service/alertmanager/webhook_decode.h"

namespace alertjoin {
namespace {

using Json = nlohmann::json;

void Require(bool holds, const char* what, std::string_view body) {
  if (holds) return;
  fmt::print(stderr, "{}: {}\n", what, body);
  std::abort();
}

void CheckRefusal(const absl::Status& status, std::string_view body) {
  const auto detail = DetailOf(status);
  Require(absl::IsInvalidArgument(status) && detail.has_value(), "refused without a reason", body);
  Require(detail->reason == "NOT_JSON" || detail->reason == "WRONG_SHAPE" ||
              detail->reason == "OVER_LIMIT",
          "another reason", body);
}

void CheckTaken(const DecodedWebhook& decoded, const Json& json, std::string_view body) {
  const auto found = json.find("alerts");
  const size_t alerts = found == json.end() || !found->is_array() ? 0 : found->size();
  Require(decoded.events.size() + decoded.faults.count == alerts, "another number of alerts", body);
  Require((decoded.faults.count == 0) == decoded.faults.first.ok(), "faults without one", body);
  if (decoded.faults.count > 0) return CheckRefusal(decoded.faults.first, body);
  for (size_t i = 0; i < alerts; ++i) {
    const Json& alert = found->at(i);
    const auto labels_found = alert.find("labels");
    const Json labels =
        labels_found == alert.end() || labels_found->is_null() ? Json::object() : *labels_found;
    const LabelSet& taken = decoded.events[i].labels;
    Require(taken.size() == labels.size(), "another number of labels", body);
    for (const auto [name, value] : taken) {
      const auto there = labels.find(std::string(name));
      Require(there != labels.end() && there->is_string() && there->get<std::string>() == value,
              "another label", body);
    }
  }
}

void Try(std::string_view body) {
  WebhookContext context;
  context.source = "fuzz";
  context.received_time = Timestamp::FromMillis(1'700'000'000'000);
  context.value_annotation = "value";
  const auto decoded = DecodeWebhook(body, context);
  const auto again = DecodeWebhook(body, context);
  Require(decoded.ok() == again.ok() && (!decoded.ok() || decoded->events == again->events),
          "another outcome the second time", body);
  const bool within = CheckJsonLimits(body).ok();
  // Numbers beyond the range of a double are the other's own affair; it builds what it is given, so
  // what is beyond the limits is not given to it.
  Json json;
  enum { kJson, kNoJson, kUnknown } other = within ? kJson : kUnknown;
  if (within) {
    try {
      json = Json::parse(body.begin(), body.end());
    } catch (const Json::parse_error&) {
      other = kNoJson;
    } catch (const Json::exception&) {
      other = kUnknown;
    }
  }
  if (decoded.ok()) {
    Require(other == kJson, "no JSON, but it is taken", body);
    return CheckTaken(*decoded, json, body);
  }
  CheckRefusal(decoded.status(), body);
  Require(DetailOf(decoded.status())->reason != "NOT_JSON" || other != kJson,
          "JSON, but it is said to be none", body);
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  alertjoin::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
