#include "common/service/config_reload.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "common/service/log_config.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

class ConfigReloadTest : public ::testing::Test {
 protected:
  bool Tells(const std::string& line) {
    return prometheus::TextSerializer().Serialize(registry_.Collect()).find("\n" + line + "\n") !=
           std::string::npos;
  }

  ManualClock clock_{Timestamp::FromMillis(1'000'000)};
  prometheus::Registry registry_;
  absl::Status answer_ = absl::OkStatus();
  int applied_ = 0;
  ConfigReload reload_{[this] {
                         ++applied_;
                         return answer_;
                       },
                       registry_, clock_};
};

TEST_F(ConfigReloadTest, TheStartIsASuccess) {
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_successful 1"));
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_success_timestamp_seconds 1000"));
  EXPECT_EQ(applied_, 0);
}

TEST_F(ConfigReloadTest, ARefusalIsToldAndTheTimeOfTheLastSuccessStays) {
  clock_.Advance(Millis(5'000));
  answer_ = NeedsRestart("spool.path");
  EXPECT_THAT(reload_.Reload(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         "spool.path cannot change while the service runs"));
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_successful 0"));
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_success_timestamp_seconds 1000"));
  answer_ = absl::OkStatus();
  EXPECT_THAT(reload_.Reload(), IsOk());
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_successful 1"));
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_success_timestamp_seconds 1005"));
  EXPECT_EQ(applied_, 2);
}

TEST_F(ConfigReloadTest, WhoIsNotReadyRefusesNoConfiguration) {
  answer_ = absl::UnavailableError("replaying the event log");
  EXPECT_THAT(reload_.Reload(), StatusIs(absl::StatusCode::kUnavailable, "replaying"));
  EXPECT_TRUE(Tells("alertjoin_config_last_reload_successful 1"));
}

std::string Logged(std::optional<LogLevel> level) {
  testing::internal::CaptureStderr();
  OverrideLogLevel(level);
  LogDebug("d");
  LogInfo("i");
  LogWarn("w");
  const std::string all = testing::internal::GetCapturedStderr();
  std::string found;
  for (const char* name : {"d", "i", "w"}) {
    if (all.find(std::string("msg=") + name + "\n") != std::string::npos) found += name;
  }
  return found;
}

TEST(LogConfig, TheConfigurationHoldsInPlaceOfTheCommandLine) {
  const auto read = [](std::string_view text) {
    YamlDocument document(text, "f.yml");
    const auto level = ReadLogLevel(document.root());
    EXPECT_TRUE(document.status().ok()) << document.status();
    return level;
  };
  SetDefaultLogLevel(LogLevel::kInfo);
  EXPECT_EQ(Logged(read("level: debug")), "diw");
  EXPECT_EQ(Logged(read("level: warn")), "w");
  EXPECT_EQ(Logged(read("")), "iw");
  YamlDocument loud("level: loud", "f.yml");
  ReadLogLevel(loud.root());
  EXPECT_THAT(loud.status(), StatusIs(absl::StatusCode::kInvalidArgument, "f.yml:1:8"));
}

}  // namespace
}  // namespace alertjoin
