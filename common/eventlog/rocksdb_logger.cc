#include "common/eventlog/rocksdb_logger.h"

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "common/log/log.h"

namespace alertjoin {
namespace {

constexpr size_t kMessageBytesMax = 1024;
constexpr Millis kLogInterval = std::chrono::seconds(10);

class RocksdbLogger final : public rocksdb::Logger {
 public:
  RocksdbLogger(std::string folder, const Clock& clock)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL),
        folder_(std::move(folder)),
        warnings_{LogLimiter(kLogInterval, clock)},
        errors_{LogLimiter(kLogInterval, clock)} {}

  void Logv(const char*, va_list) override {}  // Without a level: for information.
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    // Warnings must not keep an error back.
    Kind& kind = level == rocksdb::InfoLogLevel::WARN_LEVEL ? warnings_ : errors_;
    if (!kind.limiter.Allow()) {
      ++kind.left_out;
      return;
    }
    char message[kMessageBytesMax];
    std::vsnprintf(message, sizeof(message), format, arguments);
    LogWarn("rocksdb", {{"folder", folder_},
                        {"message", message},
                        {"left_out", std::to_string(kind.left_out.exchange(0))}});
  }

 private:
  struct Kind {
    LogLimiter limiter;
    std::atomic<uint64_t> left_out = 0;
  };

  const std::string folder_;
  Kind warnings_;
  Kind errors_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> MakeRocksdbLogger(const std::string& folder, const Clock& clock) {
  return std::make_shared<RocksdbLogger>(folder, clock);
}

}  // namespace alertjoin
