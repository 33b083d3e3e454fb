#include "common/service/build_info.h"

#include <alertjoin_revision.h>
#include <fmt/format.h>

namespace alertjoin {
namespace {

constexpr char kCompiler[] =
#if defined(__clang__)
    "clang " __clang_version__;
#else
    "gcc " __VERSION__;
#endif

constexpr char kPlatform[] =
#if defined(__x86_64__)
    "linux/amd64";
#elif defined(__aarch64__)
    "linux/arm64";
#else
        "linux";
#endif

}  // namespace

BuildInfo GetBuildInfo() {
  return {ALERTJOIN_VERSION, ALERTJOIN_BRANCH, ALERTJOIN_REVISION,
          ALERTJOIN_DATE,    kCompiler,        kPlatform};
}

std::string VersionText(const std::string& program) {
  const BuildInfo build = GetBuildInfo();
  return fmt::format(
      "{}, version {} (branch: {}, revision: {})\n"
      "  build date:       {}\n"
      "  compiler:         {}\n"
      "  platform:         {}",
      program, build.version, build.branch, build.revision, build.date, build.compiler,
      build.platform);
}

}  // namespace alertjoin
