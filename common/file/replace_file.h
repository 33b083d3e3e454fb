#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace alertjoin {

struct ReplaceOptions {
  // The name under which the file is written first, in the same file system. Empty: `path` with
  // ".tmp" behind it. What a process that died left there is overwritten. One writer at a time.
  std::string unfinished;
  mode_t mode = 0644;  // Less what the umask takes away.
  // The text is on the disk before the file takes its name: after a power cut it is there whole, or
  // what was there before is. Without it the file may be empty then, and only the end of the
  // process leaves it whole.
  bool sync = true;
};

// Writes the text to another name and gives that the name `path`, in place of what was there: the
// new file is seen whole or not at all. On an error what was there stays. UNAVAILABLE, with the
// path concerned and why. Any thread; waits for the disk.
absl::Status ReplaceFile(const std::string& path, std::string_view text,
                         const ReplaceOptions& options = {});

}  // namespace alertjoin
