#include "common/file/replace_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace alertjoin {
namespace {

absl::Status CannotBeWritten(const std::string& path, int error) {
  return absl::UnavailableError(
      fmt::format("{}: cannot be written: {}", path, std::generic_category().message(error)));
}

// The next three give errno, 0 when all went well.

int Write(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Sync(int file) {
  while (fsync(file) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// Closes the file whatever happens.
int Finish(int file, std::string_view text, bool sync) {
  int error = Write(file, text);
  if (error == 0 && sync) error = Sync(file);
  // Some file systems tell of a full disk only here.
  if (close(file) != 0 && error == 0) error = errno;
  return error;
}

}  // namespace

absl::Status ReplaceFile(const std::string& path, std::string_view text,
                         const ReplaceOptions& options) {
  const std::string unfinished = options.unfinished.empty() ? path + ".tmp" : options.unfinished;
  const int file =
      open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, options.mode);
  if (file < 0) return CannotBeWritten(unfinished, errno);
  int error = Finish(file, text, options.sync);
  if (error == 0 && std::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return absl::OkStatus();
  unlink(unfinished.c_str());
  return CannotBeWritten(path, error);
}

}  // namespace alertjoin
