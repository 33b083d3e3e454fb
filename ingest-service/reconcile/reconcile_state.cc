#include "ingest-service/reconcile/reconcile_state.h"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "common/file/replace_file.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr int kVersion = 1;

absl::Status FileError(const std::string& path, int error) {
  return absl::UnavailableError(
      fmt::format("reconciliation: {}: {}", path, std::generic_category().message(error)));
}

}  // namespace

absl::StatusOr<ReconcileState> ReadReconcileState(const std::string& path) {
  ReconcileState state;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() && errno == ENOENT) return state;
  std::ostringstream text;
  if (file.is_open()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) return FileError(path, errno);
  try {
    const nlohmann::json root = nlohmann::json::parse(text.str());
    if (root.at("version").get<int>() != kVersion) {
      return absl::DataLossError(path + ": of a version that is not known");
    }
    for (const auto& [source, ms] : root.at("read_through_ms").items()) {
      const Timestamp time = Timestamp::FromMillis(ms.get<int64_t>());
      if (time < Timestamp::Min() || time > Timestamp::Max()) {
        return absl::DataLossError(path + ": a time out of range");
      }
      state.emplace(source, time);
    }
  } catch (const std::exception& error) {
    return absl::DataLossError(
        fmt::format("{}: not what was written there: {}", path, error.what()));
  }
  return state;
}

absl::Status WriteReconcileState(const std::string& path, const ReconcileState& state) {
  nlohmann::json times = nlohmann::json::object();
  for (const auto& [source, time] : state) times[source] = time.millis();
  const nlohmann::json root = {{"version", kVersion}, {"read_through_ms", times}};
  return Annotate(ReplaceFile(path, root.dump() + "\n"), "reconciliation");
}

}  // namespace alertjoin
