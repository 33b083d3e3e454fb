#include "ingest-service/backfill/backfill_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "common/file/replace_file.h"
#include "common/log/log.h"
#include "common/status/status.h"
#include "common/text/labels.h"

namespace alertjoin {
namespace {

using nlohmann::json;

json IdentityOf(const BackfillTask& task) {
  json identity = {{"source", task.query.source},
                   {"query", task.query.name},
                   {"expression", task.query.expression}};
  if (task.step.has_value()) identity["step_ms"] = task.step->count();
  return identity;
}

bool IsMoment(const json& value) {
  if (!value.is_number_integer()) return false;
  const auto ms = value.get<int64_t>();
  return ms >= Timestamp::Min().millis() && ms <= Timestamp::Max().millis();
}

// Throws what the JSON library throws; CHECKs nothing that a file could break.
absl::StatusOr<TimeRanges> Read(const std::string& text, const BackfillTask& task,
                                const std::string& store_id) {
  const json state = json::parse(text);
  if (state.at("identity") != IdentityOf(task)) {
    return absl::DataLossError("it is of another query");
  }
  if (state.value("store", json()) != json(store_id)) {
    return absl::DataLossError("the correlator has another store now");
  }
  TimeRanges done;
  for (const json& range : state.at("done_ms")) {
    if (!range.is_array() || range.size() != 2 || !IsMoment(range[0]) || !IsMoment(range[1]) ||
        range[0] > range[1]) {
      return absl::DataLossError("done_ms: not a time range: " + range.dump());
    }
    done.Add({Timestamp::FromMillis(range[0].get<int64_t>()),
              Timestamp::FromMillis(range[1].get<int64_t>())});
  }
  return done;
}

absl::StatusOr<TimeRanges> TryRead(const std::string& text, const BackfillTask& task,
                                   const std::string& store_id) {
  try {
    return Read(text, task, store_id);
  } catch (const std::exception& e) {
    return absl::DataLossError(e.what());
  }
}

}  // namespace

absl::StatusOr<BackfillState> BackfillState::Open(std::string folder, std::string store_id) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("backfill: {}: cannot be made: {}", folder, error.message()));
  }
  return BackfillState(std::move(folder), std::move(store_id));
}

std::string BackfillState::PathOf(const BackfillTask& task) const {
  const LabelSet identity = {{"source", task.query.source},
                             {"query", task.query.name},
                             {"expression", task.query.expression},
                             {"step", task.step ? fmt::to_string(task.step->count()) : ""}};
  return fmt::format("{}/{}.json", folder_, identity.FingerprintHex());
}

TimeRanges BackfillState::Load(const BackfillTask& task) const {
  const std::string path = PathOf(task);
  std::ifstream file(path);
  if (!file) return {};
  std::stringstream text;
  text << file.rdbuf();
  auto done = TryRead(text.str(), task, store_id_);
  if (done.ok()) return *std::move(done);
  LogWarn("what was backfilled before does not count: all is asked for again",
          {{"file", path}, {"error", MessageOf(done.status())}});
  return {};
}

absl::Status BackfillState::Save(const BackfillTask& task, const TimeRanges& done) const {
  json ranges = json::array();
  for (const TimeRange& range : done.All()) {
    ranges.push_back({range.from.millis(), range.through.millis()});
  }
  const json state = {
      {"identity", IdentityOf(task)}, {"store", store_id_}, {"done_ms", std::move(ranges)}};
  const std::string text = state.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return Annotate(ReplaceFile(PathOf(task), text), "backfill");
}

}  // namespace alertjoin
