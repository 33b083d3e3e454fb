#include "ingest-service/deadletter/dead_letter_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/status/status.h"
#include "ingest-service/deadletter/dead_letter.h"
#include "ingest-service/deadletter/dead_letter_files.h"

namespace alertjoin {
namespace {

std::string Shown(std::string_view text) { return Excerpt(text, kLongExcerptBytes); }

std::string LineOf(const DeadLetterSummary& letter, const std::string& path) {
  return fmt::format("{}\t{}\t{}\t{}\t{}", Shown(letter.time), Shown(letter.source),
                     Shown(letter.reason), letter.body_bytes, path);
}

std::string LineOfUnreadable(const absl::Status& status, const std::string& path,
                             DeadLetterFormat format) {
  if (format == DeadLetterFormat::kLines) {
    return fmt::format("-\t-\tunreadable: {}\t-\t{}", Shown(MessageOf(status)), path);
  }
  const nlohmann::ordered_json json{{"unreadable", MessageOf(status)}, {"file", path}};
  return json.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

absl::Status ListDeadLetters(const std::string& folder, DeadLetterFormat format,
                             const std::function<void(std::string_view line)>& print) {
  const auto files = FindDeadLetterFiles(folder);
  if (absl::IsNotFound(files.status())) return absl::OkStatus();
  RETURN_IF_ERROR(files);
  for (const auto& [name, bytes] : *files) {
    const std::string path = fmt::format("{}/{}", folder, name);
    const auto text = ReadDeadLetterFile(folder, name);
    if (absl::IsNotFound(text.status())) continue;
    const auto letter = text.ok() ? ReadDeadLetter(*text) : text.status();
    if (!letter.ok()) {
      print(LineOfUnreadable(letter.status(), path, format));
    } else {
      print(format == DeadLetterFormat::kJson ? letter->json : LineOf(*letter, path));
    }
  }
  return absl::OkStatus();
}

}  // namespace alertjoin
