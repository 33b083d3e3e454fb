#include "ingest-service/alertmanager/json_limits.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string ReasonFor(std::string_view text) {
  const auto parsed = ParseJson(text);
  return parsed.ok() ? "OK" : DetailOf(parsed.status())->reason;
}

std::string Nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(JsonLimits, DepthIsTakenUpToTheLimit) {
  EXPECT_THAT(ParseJson(Nested(kJsonDepthMax)), IsOk());
  EXPECT_THAT(ParseJson(Nested(kJsonDepthMax + 1)),
              StatusIs(kInvalid, "nested deeper than 32 levels at byte 32"));
  EXPECT_EQ(ReasonFor(Nested(kJsonDepthMax + 1)), "OVER_LIMIT");
}

TEST(JsonLimits, BracketsWithinStringsAreNoDepth) {
  const auto parsed = ParseJson("[\"" + std::string(100, '[') + "\\\"[[\\\\\",\"]\"]");
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->at(0).get<std::string>(), std::string(100, '[') + "\"[[\\");
}

TEST(JsonLimits, SiblingsAreNoDepth) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "{\"a\":[1]},";
  EXPECT_THAT(ParseJson(text + "0]"), IsOk());
}

TEST(JsonLimits, MillionBracketsAreRefusedAtOnce) {
  for (const std::string& unit :
       {std::string("["), std::string("{\"a\":"), std::string("[{\"\":")}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    const std::clock_t begin = std::clock();  // Of this process alone.
    EXPECT_THAT(ParseJson(text), StatusIs(kInvalid, "nested deeper"));
    EXPECT_LT(std::clock() - begin, CLOCKS_PER_SEC / 20);
  }
}

TEST(JsonLimits, NumberOfValuesIsLimited) {
  std::string text = "[0";
  for (size_t i = 0; i <= kJsonSeparatorsMax; ++i) text += ",0";
  EXPECT_THAT(ParseJson(text + "]"), StatusIs(kInvalid, "more than 2000000 values"));
}

TEST(JsonLimits, WhatIsNoJsonIsRefusedWithItsPlace) {
  EXPECT_THAT(ParseJson(""), StatusIs(kInvalid, "not JSON: byte 1"));
  EXPECT_THAT(ParseJson("{\"a\":1"), StatusIs(kInvalid, "not JSON: byte 7"));
  EXPECT_THAT(ParseJson("{\"a\":\"\xff\"}"), StatusIs(kInvalid, "UTF-8"));
  for (const char* text : {"{} x", "{\"a\":NaN}", "[1,]", "[1e999]", "\"\\ud800\"", "[\x01]", "]",
                           "}}}}", "{'a':1}", "\"", "\"\\", "tru"}) {
    EXPECT_EQ(ReasonFor(text), "NOT_JSON") << text;
  }
}

TEST(JsonLimits, MessageStaysOnePrintableLine) {
  const auto parsed = ParseJson("[\"\n\x1b[2J\xff");
  for (const char c : MessageOf(parsed.status())) {
    EXPECT_GE(c, 0x20);
    EXPECT_LT(c, 0x7f);
  }
}

}  // namespace
}  // namespace alertjoin
