#pragma once

#include "common/config/yaml_reader.h"
#include "ingest-service/alertmanager/heartbeats.h"

namespace alertjoin {

// Reads the key `heartbeat` of an alert source: a map of enabled, match and max_age. Absent, it is
// the default heartbeat, which is not expected. Faults: matchers that are none, or match
// everything.
HeartbeatOptions ReadHeartbeat(YamlNode node);

}  // namespace alertjoin
