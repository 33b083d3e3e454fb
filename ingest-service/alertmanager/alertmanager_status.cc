#include "ingest-service/alertmanager/alertmanager_status.h"

#include <nlohmann/json.hpp>

#include "common/time/rfc3339.h"

namespace alertjoin {

std::string AlertmanagerStatusJson(Timestamp started) {
  const nlohmann::json status = {
      {"cluster", {{"status", "disabled"}, {"peers", nlohmann::json::array()}}},
      {"config", {{"original", ""}}},
      {"uptime", FormatRfc3339(started)},
      {"versionInfo",
       {{"branch", ""},
        {"buildDate", ""},
        {"buildUser", ""},
        {"goVersion", ""},
        {"revision", "alertjoin"},
        {"version", ALERTJOIN_VERSION}}},
  };
  return status.dump();
}

}  // namespace alertjoin
