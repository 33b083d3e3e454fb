#include "ingest-service/deadletter/dead_letter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr size_t kBodyBytesMax = 1000;

DeadLetter LetterOf(const std::string& body) {
  return {Timestamp::FromMillis(1'772'359'212'345),
          "main",
          "/webhook/main",
          "10.0.0.1",
          "application/json",
          "not_json",
          "not JSON: byte 1",
          body};
}

nlohmann::json Encoded(const DeadLetter& letter) {
  return nlohmann::json::parse(EncodeDeadLetter(letter, kBodyBytesMax));
}

bool IsOneLineOfAscii(const std::string& text) {
  return !text.empty() && text.back() == '\n' &&
         std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; });
}

TEST(DeadLetter, SaysEverythingThatIsKnown) {
  const auto json = Encoded(LetterOf("{\"alerts\": tr\xc3\xbc}"));
  EXPECT_EQ(json["time"], "2026-03-01T10:00:12.345Z");
  EXPECT_EQ(json["source"], "main");
  EXPECT_EQ(json["path"], "/webhook/main");
  EXPECT_EQ(json["remote_address"], "10.0.0.1");
  EXPECT_EQ(json["content_type"], "application/json");
  EXPECT_EQ(json["reason"], "not_json");
  EXPECT_EQ(json["message"], "not JSON: byte 1");
  EXPECT_EQ(json["body_bytes"], 16);
  EXPECT_EQ(json["body_encoding"], "text");
  EXPECT_EQ(json["body_truncated"], false);
  EXPECT_EQ(json["body"], "{\"alerts\": tr\xc3\xbc}");
}

TEST(DeadLetter, BodyThatIsNoTextIsBase64) {
  const auto json = Encoded(LetterOf(std::string("\xff\x00\xfe", 3)));
  EXPECT_EQ(json["body_encoding"], "base64");
  EXPECT_EQ(json["body"], "/wD+");
  EXPECT_EQ(json["body_bytes"], 3);
}

TEST(DeadLetter, EmptyBodyIsText) {
  const auto json = Encoded(LetterOf(""));
  EXPECT_EQ(json["body_encoding"], "text");
  EXPECT_EQ(json["body"], "");
}

TEST(DeadLetter, LongBodyIsCutBetweenCharacters) {
  const std::string body = std::string(kBodyBytesMax - 1, 'x') + "\xe2\x82\xac and more";
  const auto json = Encoded(LetterOf(body));
  EXPECT_EQ(json["body_truncated"], true);
  EXPECT_EQ(json["body_encoding"], "text");
  EXPECT_EQ(json["body"], std::string(kBodyBytesMax - 1, 'x'));
  EXPECT_EQ(json["body_bytes"], body.size());
  EXPECT_EQ(Encoded(LetterOf(std::string(kBodyBytesMax, 'x')))["body_truncated"], false);
}

TEST(DeadLetter, WhateverItHoldsItIsOneLineOfAsciiWithinItsBound) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  for (const std::string& text :
       {every_byte, std::string(500, '\0'), std::string("\x1b[2J\r\n\x7f\xc2\x9b")}) {
    DeadLetter letter = LetterOf(text);
    letter.source = letter.path = letter.content_type = letter.message = text;
    const std::string line = EncodeDeadLetter(letter, kBodyBytesMax);
    EXPECT_TRUE(IsOneLineOfAscii(line)) << line;
    EXPECT_LE(line.size(), 6 * 5 * text.size() + 500);
    const auto summary = ReadDeadLetter(line);
    ASSERT_THAT(summary, IsOk());
    EXPECT_EQ(summary->json + "\n", line);
    EXPECT_EQ(summary->body_bytes, text.size());
  }
}

TEST(DeadLetter, OtherTextIsNoLetter) {
  for (const char* text : {"", "{", "[]", "{}", R"({"time":1,"source":"a"})"}) {
    EXPECT_THAT(ReadDeadLetter(text), StatusIs(absl::StatusCode::kDataLoss)) << text;
  }
}

}  // namespace
}  // namespace alertjoin
