#include "common/log/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "common/log/json_field.h"
#include "common/log/log_format.h"
#include "common/log/logfmt.h"
#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

std::string Logfmt(std::string_view key, std::string_view value) {
  std::string out;
  AppendLogfmt(key, value, out);
  return out;
}

TEST(Log, RecordHasLevelMessageAndFieldsInOrder) {
  EXPECT_EQ(FormatLogRecord(LogLevel::kWarn, "poll failed", {{"source", "main"}, {"tries", "3"}}),
            "level=warn msg=\"poll failed\" source=main tries=3");
  EXPECT_EQ(FormatLogRecord(LogLevel::kDebug, "x", {}), "level=debug msg=x");
  EXPECT_EQ(FormatLogRecord(LogLevel::kError, "", {}), "level=error msg=\"\"");
}

TEST(Log, HostileValueStaysOneRecordOnOneLine) {
  const std::string value = "a\nlevel=error msg=\"forged\"\r\n\x1b[2J";
  EXPECT_EQ(Logfmt("label", value), "label=\"a\\nlevel=error msg=\\\"forged\\\"\\r\\n\\x1b[2J\"");
}

TEST(Log, HostileKeyCannotEndTheField) { EXPECT_EQ(Logfmt("a b=\"\n", "1"), "a_b___=1"); }

TEST(Log, EveryByteGivesOneLineThatCanBeSplit) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string out = Logfmt("k", std::string(1, static_cast<char>(byte)));
    for (const char c : out) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << byte;
      EXPECT_LT(static_cast<unsigned char>(c), 0x7f) << byte;
    }
    const bool quoted = out.find('"') != std::string::npos;
    EXPECT_EQ(out.back() == '"', quoted) << byte;
    if (byte == ' ' || byte == '=' || byte == '"' || byte == '\\') {
      EXPECT_TRUE(quoted) << byte;
    }
  }
}

TEST(Log, Utf8IsKeptAndWhatIsNoneIsEscaped) {
  EXPECT_EQ(Logfmt("k", "größe€😀"), "k=größe€😀");
  EXPECT_EQ(Logfmt("k", "\xc0\xaf"), "k=\"\\xc0\\xaf\"");           // Overlong.
  EXPECT_EQ(Logfmt("k", "\xed\xa0\x80"), "k=\"\\xed\\xa0\\x80\"");  // Surrogate.
  EXPECT_EQ(Logfmt("k", "\xf4\x90\x80\x80"), "k=\"\\xf4\\x90\\x80\\x80\"");
  EXPECT_EQ(Logfmt("k", "x\xe2\x82"), "k=\"x\\xe2\\x82\"");  // Cut.
  EXPECT_EQ(Logfmt("k", "\xe2\x80\xa8"), "k=\"\\u2028\"");   // Line separator.
  EXPECT_EQ(Logfmt("k", "\xc2\x85"), "k=\"\\u0085\"");       // Next line.
}

TEST(Log, LongValueIsCut) {
  const std::string out = Logfmt("k", std::string(kLogValueBytesMax + 1, 'x'));
  EXPECT_EQ(out, "k=\"" + std::string(kLogValueBytesMax, 'x') + "...\"");
  EXPECT_EQ(Logfmt("k", std::string(kLogValueBytesMax, 'x')).size(), 2 + kLogValueBytesMax);
}

TEST(Log, JsonRecordHasTheSameKeys) {
  EXPECT_EQ(FormatLogRecord(LogFormat::kJson, "2026-03-01T10:00:00Z", LogLevel::kWarn,
                            "poll failed", {{"source", "main"}}),
            R"({"ts":"2026-03-01T10:00:00Z","level":"warn","msg":"poll failed","source":"main"})");
}

// Whatever the labels of an alert hold, one event is one line, and reads as what it was.
TEST(Log, EveryByteStaysWithinItsJsonRecord) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = "a" + std::string(1, static_cast<char>(byte)) + "b";
    const std::string record =
        FormatLogRecord(LogFormat::kJson, "", LogLevel::kInfo, value, {{"k", value}});
    for (const char c : record) {
      EXPECT_GE(c, 0x20) << byte;
      EXPECT_LT(static_cast<unsigned char>(c), 0x7f) << byte;
    }
    const nlohmann::json parsed = nlohmann::json::parse(record, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << record;
    ASSERT_EQ(parsed.size(), 3u) << record;
    const std::string expected = byte < 0x80 ? value
                                             : "a\xef\xbf\xbd"
                                               "b";
    EXPECT_EQ(parsed["k"].get<std::string>(), expected) << byte;
    EXPECT_EQ(parsed["msg"].get<std::string>(), expected) << byte;
  }
  const std::string forged = "x\",\"level\":\"error\n\xe2\x80\xa8";
  const auto parsed = nlohmann::json::parse(
      FormatLogRecord(LogFormat::kJson, "", LogLevel::kInfo, "m", {{"k", forged}}), nullptr, false);
  EXPECT_EQ(parsed["k"].get<std::string>(), forged);
  EXPECT_EQ(parsed["level"].get<std::string>(), "info");
}

TEST(Log, LongValueIsCutInJsonToo) {
  std::string out;
  AppendJsonField("k", std::string(kLogValueBytesMax + 1, 'x'), out);
  EXPECT_EQ(out, "\"k\":\"" + std::string(kLogValueBytesMax, 'x') + "...\"");
}

TEST(Log, FormatCanBeChosen) {
  testing::internal::CaptureStderr();
  SetLogFormat(LogFormat::kJson);
  LogInfo("shown", {{"n", "1\n2"}});
  SetLogFormat(LogFormat::kLogfmt);
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(output.rfind("{\"ts\":\"2", 0), 0u) << output;
  EXPECT_TRUE(output.ends_with(R"("level":"info","msg":"shown","n":"1\n2"})"
                               "\n"))
      << output;
}

TEST(Log, LevelDropsWhatIsBelow) {
  testing::internal::CaptureStderr();
  LogDebug("hidden");
  LogInfo("shown", {{"n", "1"}});
  SetLogLevel(LogLevel::kDebug);
  LogDebug("now shown");
  SetLogLevel(LogLevel::kInfo);
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(output.find("hidden"), std::string::npos) << output;
  EXPECT_NE(output.find(" level=info msg=shown n=1\n"), std::string::npos) << output;
  EXPECT_NE(output.find(" level=debug msg=\"now shown\"\n"), std::string::npos) << output;
  EXPECT_EQ(output.rfind("ts=2", 0), 0u) << output;
}

TEST(LogLimiter, LetsOneThroughPerInterval) {
  ManualClock clock(Timestamp::FromMillis(0));
  LogLimiter limiter(std::chrono::seconds(10), clock);
  EXPECT_TRUE(limiter.Allow());
  EXPECT_FALSE(limiter.Allow());
  clock.Advance(Millis(9999));
  EXPECT_FALSE(limiter.Allow());
  clock.Advance(Millis(1));
  EXPECT_TRUE(limiter.Allow());
  EXPECT_FALSE(limiter.Allow());
}

TEST(LogLimiter, OneOfManyThreadsWins) {
  ManualClock clock(Timestamp::FromMillis(0));
  LogLimiter limiter(std::chrono::seconds(1), clock);
  std::atomic<int> allowed{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) allowed += limiter.Allow() ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(allowed, 1);
}

}  // namespace
}  // namespace alertjoin
