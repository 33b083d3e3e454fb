#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace alertjoin {

enum class DeadLetterFormat {
  kLines,  // Time, source, reason, bytes of the body and path of the file, with tabs between.
  kJson,   // The file's JSON.
};

// Prints what is in the folder of a DeadLetters, oldest first, one line each (without its end). May
// run beside it: letters that are removed meanwhile are left out. Whatever the letters hold, a line
// is printable ASCII and tabs. A file that holds no letter has a line that says so. A folder that
// is not there is empty. UNAVAILABLE when it cannot be read.
absl::Status ListDeadLetters(const std::string& folder, DeadLetterFormat format,
                             const std::function<void(std::string_view line)>& print);

}  // namespace alertjoin
