#include "common/net/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "common/status/status.h"

namespace alertjoin {
namespace {

UniqueFd Hold(std::string_view content) {
  UniqueFd file(::memfd_create("alertjoin", MFD_CLOEXEC));
  CHECK(file.valid());
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    CHECK(written > 0 || errno == EINTR);
    if (written > 0) content.remove_prefix(static_cast<size_t>(written));
  }
  return file;
}

}  // namespace

MemoryFile::MemoryFile(std::string_view content)
    : file_(Hold(content)), path_("/proc/self/fd/" + std::to_string(file_.get())) {}

void MemoryFile::Replace(std::string_view content) {
  const UniqueFd next = Hold(content);
  // The number, and so the path, stays; what it stands for is exchanged at once.
  CHECK(::dup3(next.get(), file_.get(), O_CLOEXEC) == file_.get());
}

}  // namespace alertjoin
