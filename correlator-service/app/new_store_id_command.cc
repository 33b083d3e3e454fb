#include "correlator-service/app/new_store_id_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/status/status.h"
#include "correlator-service/app/correlator_config.h"
#include "correlator-service/rows/row_database.h"

namespace alertjoin {
namespace {

absl::Status RenewStoreId(const std::string& config_file) {
  ASSIGN_OR_RETURN(const CorrelatorConfig config, ReadCorrelatorConfig(config_file));
  RowDatabase::Options options;
  options.folder = config.data_path + "/rows";
  // It would be made.
  std::error_code error;
  if (!std::filesystem::exists(options.folder + "/CURRENT", error)) {
    return absl::NotFoundError(
        fmt::format("row store {}: there is none: set data.path to the folder that was put back",
                    options.folder));
  }
  ASSIGN_OR_RETURN(const auto database, RowDatabase::Open(std::move(options)));
  const std::string before = database->store_id();
  RETURN_IF_ERROR(database->RenewStoreId());
  std::printf("store id %s, before %s\n", database->store_id().c_str(), before.c_str());
  return absl::OkStatus();
}

}  // namespace

ServiceCommand NewStoreIdCommand() {
  return {"new-store-id",
          "Give the store a new id, after its folder was put back to an older state: subscribers "
          "begin anew instead of going on with tokens of what is gone. The service must not be "
          "running",
          {},
          [](const CommandArguments& arguments) { return RenewStoreId(arguments.config_file); }};
}

}  // namespace alertjoin
