#include "ingest-service/alertmanager/heartbeat_config.h"

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr Millis kMaxAgeMost = std::chrono::hours(24 * 7);

}  // namespace

HeartbeatOptions ReadHeartbeat(YamlNode node) {
  HeartbeatOptions heartbeat;
  if (!node.present()) return heartbeat;
  heartbeat.expected = true;
  heartbeat.enabled = node.Child("enabled").Bool(heartbeat.enabled);
  heartbeat.max_age = node.Child("max_age").Duration(heartbeat.max_age, Millis(1000), kMaxAgeMost);
  YamlNode match = node.Child("match");
  if (match.present()) {
    const auto matchers = ParseMatchers(match.RequiredString());
    if (!matchers.ok()) {
      match.Fault(MessageOf(matchers.status()));
    } else if (matchers->empty()) {
      match.Fault("expected the labels of one alert: every alert would be a heartbeat");
    } else {
      heartbeat.matchers = *matchers;
    }
  }
  node.Finish();
  return heartbeat;
}

}  // namespace alertjoin
