#pragma once

#include <string>

namespace alertjoin {

// What this program was built from and by. "unknown" where the build could not tell.
struct BuildInfo {
  std::string version;   // 0.1.0
  std::string branch;    // main
  std::string revision;  // Of the commit; ends with "-modified" where files differed from it.
  std::string date;      // Of the commit (or SOURCE_DATE_EPOCH), so that builds can be repeated.
  std::string compiler;  // gcc 12.2.0
  std::string platform;  // linux/amd64
};

BuildInfo GetBuildInfo();

// What `program --version` prints, in the form that Prometheus' own programs have.
std::string VersionText(const std::string& program);

}  // namespace alertjoin
