#pragma once

#include <string>
#include <string_view>

#include "common/net/unique_fd.h"

namespace alertjoin {

// A file that exists in memory only, for libraries that want a path where we have a text. Not
// thread-safe, but others may open the path at any time: they see one content or the other, whole.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);

  // Readable within this process as long as the object lives.
  const std::string& path() const { return path_; }
  void Replace(std::string_view content);

 private:
  UniqueFd file_;
  std::string path_;
};

}  // namespace alertjoin
