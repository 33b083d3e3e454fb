#include "common/eventlog/rocksdb_logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RocksdbLogger : public ::testing::Test {
 protected:
  // What the process logs of so many messages of this level.
  std::string Logged(rocksdb::InfoLogLevel level, int messages) {
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < messages; ++i) rocksdb::Log(level, logger_, "stalling writes %d", i);
    return ::testing::internal::GetCapturedStderr();
  }

  ManualClock clock_{Timestamp::FromMillis(1'000)};
  std::shared_ptr<rocksdb::Logger> logger_ = MakeRocksdbLogger("/data/log", clock_);
};

TEST_F(RocksdbLogger, OfManyWarningsOneIsLoggedAndTheNextOneSaysHowMany) {
  const std::string first = Logged(rocksdb::InfoLogLevel::WARN_LEVEL, 1'000);
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 1) << first;
  EXPECT_THAT(first, AllOf(HasSubstr("stalling writes 0"), HasSubstr("folder=/data/log"),
                           HasSubstr("left_out=0")));
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_THAT(Logged(rocksdb::InfoLogLevel::WARN_LEVEL, 1), HasSubstr("left_out=999"));
}

TEST_F(RocksdbLogger, WarningsKeepNoErrorBack) {
  Logged(rocksdb::InfoLogLevel::WARN_LEVEL, 10);
  EXPECT_THAT(Logged(rocksdb::InfoLogLevel::ERROR_LEVEL, 1), HasSubstr("stalling writes 0"));
}

TEST_F(RocksdbLogger, WhatIsForInformationIsNotLogged) {
  EXPECT_THAT(Logged(rocksdb::InfoLogLevel::INFO_LEVEL, 5), IsEmpty());
}

}  // namespace
}  // namespace alertjoin
