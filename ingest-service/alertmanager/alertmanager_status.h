#pragma once

#include <string>

#include "common/time/timestamp.h"

namespace alertjoin {

// What GET /api/v2/status of an Alertmanager answers, as JSON: an Alertmanager without peers and
// configuration that started at `started` and has our version. For those who ask for it before they
// send alerts.
// Source: prometheus/alertmanager api/v2/openapi.yaml, alertmanagerStatus.
std::string AlertmanagerStatusJson(Timestamp started);

}  // namespace alertjoin
