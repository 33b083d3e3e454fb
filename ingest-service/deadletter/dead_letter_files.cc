#include "ingest-service/deadletter/dead_letter_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "common/file/replace_file.h"
#include "common/status/status.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

namespace fs = std::filesystem;

constexpr char kUnfinished[] = "unfinished.tmp";
constexpr std::string_view kShape = "ddddddddTdddddd.dddZ-dddddddddd.json";
constexpr size_t kStampBytes = kShape.find('-');
constexpr size_t kNumberDigits = 10;

bool IsLetterName(std::string_view name) {
  return std::equal(name.begin(), name.end(), kShape.begin(), kShape.end(), [](char c, char shape) {
    return shape == 'd' ? c >= '0' && c <= '9' : c == shape;
  });
}

absl::Status FileError(const std::string& path, std::string_view what, int error) {
  return absl::UnavailableError(
      fmt::format("dead letters: {}: {}: {}", path, what, std::generic_category().message(error)));
}

std::string StampOf(Timestamp time) {
  std::string stamp = FormatRfc3339(time);
  std::erase(stamp, '-');
  std::erase(stamp, ':');
  return stamp;
}

}  // namespace

absl::StatusOr<std::map<std::string, uint64_t>> FindDeadLetterFiles(const std::string& folder) {
  std::map<std::string, uint64_t> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) {
    return absl::NotFoundError(fmt::format("dead letters: no folder {}", folder));
  }
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!IsLetterName(name)) continue;
    std::error_code gone;  // Removed meanwhile, by the service.
    const uint64_t bytes = entry->file_size(gone);
    if (!gone) files.emplace(name, bytes);
  }
  if (error) return FileError(folder, "cannot be listed", error.value());
  return files;
}

std::string NextDeadLetterName(Timestamp time, std::string_view newest) {
  std::string stamp = StampOf(time);
  uint64_t number = 0;
  if (newest.substr(0, kStampBytes) >= stamp) {
    stamp = newest.substr(0, kStampBytes);
    const char* const digits = newest.data() + kStampBytes + 1;
    std::from_chars(digits, digits + kNumberDigits, number);
    ++number;
  }
  return fmt::format("{}-{:010}.json", stamp, number);
}

absl::Status MakeDeadLetterFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), S_IRWXU) == 0 || errno == EEXIST) return absl::OkStatus();
  return FileError(folder, "cannot be made", errno);
}

absl::Status WriteDeadLetterFile(const std::string& folder, const std::string& name,
                                 std::string_view text) {
  ReplaceOptions options;
  options.unfinished = folder + "/" + kUnfinished;
  options.mode = S_IRUSR | S_IWUSR;
  options.sync = false;
  return Annotate(ReplaceFile(folder + "/" + name, text, options), "dead letters");
}

absl::Status RemoveDeadLetterFile(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return FileError(path, "cannot be removed", errno);
}

absl::StatusOr<std::string> ReadDeadLetterFile(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() && errno == ENOENT) return absl::NotFoundError(path + ": is gone");
  std::ostringstream text;
  if (file.is_open()) text << file.rdbuf();
  if (!file.is_open() || file.bad()) return FileError(path, "cannot be read", errno);
  return std::move(text).str();
}

}  // namespace alertjoin
