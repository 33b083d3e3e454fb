#include "common/eventlog/rocksdb_logger.h"

#include <cstdarg>
#include <cstdio>

#include "common/log/log.h"

namespace alertjoin {
namespace {

constexpr size_t kMessageBytesMax = 1024;

class RocksdbLogger final : public rocksdb::Logger {
 public:
  explicit RocksdbLogger(std::string folder)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), folder_(std::move(folder)) {}

  void Logv(const char*, va_list) override {}  // Without a level: for information.
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    char message[kMessageBytesMax];
    std::vsnprintf(message, sizeof(message), format, arguments);
    LogWarn("rocksdb", {{"folder", folder_}, {"message", message}});
  }

 private:
  const std::string folder_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> MakeRocksdbLogger(const std::string& folder) {
  return std::make_shared<RocksdbLogger>(folder);
}

}  // namespace alertjoin
