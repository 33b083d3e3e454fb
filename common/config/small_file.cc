#include "common/config/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/net/unique_fd.h"
#include "common/status/status.h"

namespace alertjoin {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const auto fail = [&path](const std::string& why) {
    return absl::FailedPreconditionError(
        fmt::format("{}: {}", Excerpt(path, kSmallFileBytesMax), why));
  };
  // Opening a pipe without a writer would wait for one.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat found {};
  if (file.get() < 0 || fstat(file.get(), &found) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(found.st_mode)) return fail("is no regular file");
  std::string text(kSmallFileBytesMax + 1, '\0');
  size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(std::strerror(errno));
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  if (length > kSmallFileBytesMax)
    return fail(fmt::format("has over {} bytes", kSmallFileBytesMax));
  text.resize(length);
  return text;
}

}  // namespace alertjoin
