#include "common/net/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/log/log.h"
#include "common/status/status.h"
#include "common/sync/mutex.h"

namespace alertjoin {
namespace {

constexpr size_t kMessageBytesMax = 1'000;

// The places in the libraries that log. Thread-safe.
class Places {
 public:
  void Write(LogLevel level, std::string_view library, const char* file, int line,
             std::string_view message) EXCLUDES_LOCK(mutex_) {
    uint64_t kept_back = 0;
    {
      MutexLock lock(mutex_);
      Place& place = places_[{file, line}];
      if (!place.limiter.Allow()) {
        ++place.kept_back;
        return;
      }
      kept_back = std::exchange(place.kept_back, 0);
    }
    Log(level, Excerpt(message, kMessageBytesMax),
        {{"library", std::string(library)}, {"kept_back", std::to_string(kept_back)}});
  }

 private:
  struct Place {
    LogLimiter limiter{kLogInterval};
    uint64_t kept_back = 0;
  };
  Mutex mutex_;
  // As many as the libraries' sources have.
  std::map<std::pair<std::string, int>, Place> places_ GUARDED_BY(mutex_);
};

Places& AllPlaces() {
  // Never destroyed: threads of the libraries may log while the process ends.
  static Places* const places = new Places;
  return *places;
}

void LogOfGrpc(gpr_log_func_args* args) {
  const LogLevel level =
      args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarn : LogLevel::kDebug;
  AllPlaces().Write(level, "grpc", args->file, args->line, args->message);
}

void LogOfProtobuf(google::protobuf::LogLevel severity, const char* file, int line,
                   const std::string& message) {
  LogLevel level = LogLevel::kWarn;
  if (severity == google::protobuf::LOGLEVEL_INFO) level = LogLevel::kDebug;
  if (severity == google::protobuf::LOGLEVEL_FATAL) level = LogLevel::kError;
  AllPlaces().Write(level, "protobuf", file, line, message);
}

}  // namespace

void LogLibraries() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
}

}  // namespace alertjoin
