#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/time/timestamp.h"

namespace alertjoin {

// The files of dead letters in one folder: `20260301T100012.345Z-0000000000.json`, a time and a
// number, so that the order of the names is that in which they were written. Other files in the
// folder are nobody's business. Errors are UNAVAILABLE with path and cause.

// Size by name. NOT_FOUND when there is no such folder.
absl::StatusOr<std::map<std::string, uint64_t>> FindDeadLetterFiles(const std::string& folder);

// A name for a letter of that time, behind `newest` ("" when there is none): if the clock has been
// set back, the letter goes by the time of the newest one.
std::string NextDeadLetterName(Timestamp time, std::string_view newest);

// Makes the folder when it is missing, in a folder that is there. Nobody else may look into it:
// bodies may hold what is not for everyone.
absl::Status MakeDeadLetterFolder(const std::string& folder);

// The file is there whole or not at all after a crash of the process. Not synced: whoever sends bad
// bodies would slow the disk for all. One at a time in a folder.
absl::Status WriteDeadLetterFile(const std::string& folder, const std::string& name,
                                 std::string_view text);

// OK when the file is gone already.
absl::Status RemoveDeadLetterFile(const std::string& folder, const std::string& name);

// NOT_FOUND when the file is gone.
absl::StatusOr<std::string> ReadDeadLetterFile(const std::string& folder, const std::string& name);

}  // namespace alertjoin
