#include "correlator-service/app/payloads_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "correlator-service/app/correlator_config.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {
namespace {

void Print(const RawPayload& payload) {
  nlohmann::ordered_json line;
  line["received_time"] = FormatRfc3339(payload.received_time);
  line["source"] = payload.source;
  line["body"] = payload.body;
  // Bodies were valid UTF-8 when they were taken.
  const std::string text =
      line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

absl::Status PrintPayloads(const std::string& config_file) {
  ASSIGN_OR_RETURN(const CorrelatorConfig config, ReadCorrelatorConfig(config_file));
  RowDatabase::Options options;
  options.folder = config.data_path + "/rows";
  ASSIGN_OR_RETURN(const auto database, RowDatabase::Open(std::move(options)));
  return database->ForEachRawPayload(Print);
}

}  // namespace

ServiceCommand PayloadsCommand() {
  return {"payloads",
          "Print the bodies of all notifications that are kept, oldest first, as JSON, one per "
          "line, and exit. The service must not be running",
          {},
          [](const CommandArguments& arguments) { return PrintPayloads(arguments.config_file); }};
}

}  // namespace alertjoin
