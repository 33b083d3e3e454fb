#include "correlator-service/rows/opaque_token.h"

#include <gtest/gtest.h>

namespace alertjoin {
namespace {

std::string Sealed() {
  TokenWriter writer;
  writer.AddUint8(200);
  writer.AddUint64(0x0102030405060708);
  writer.AddInt64(-5);
  writer.AddBytes(std::string("a\0b", 3));
  return writer.Seal(TokenKind::kResume);
}

TEST(OpaqueToken, ReadsBackWhatWasWritten) {
  auto reader = TokenReader::Open(TokenKind::kResume, Sealed());
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->ReadUint8(), 200);
  EXPECT_EQ(reader->ReadUint64(), 0x0102030405060708u);
  EXPECT_EQ(reader->ReadInt64(), -5);
  EXPECT_FALSE(reader->AtEnd());
  EXPECT_EQ(reader->ReadBytes(3), std::string("a\0b", 3));
  EXPECT_TRUE(reader->AtEnd());
}

TEST(OpaqueToken, ReadingBeyondTheEndIsNoticed) {
  auto reader = TokenReader::Open(TokenKind::kResume, TokenWriter().Seal(TokenKind::kResume));
  ASSERT_TRUE(reader.has_value());
  EXPECT_TRUE(reader->AtEnd());
  EXPECT_EQ(reader->ReadUint64(), 0u);
  EXPECT_FALSE(reader->AtEnd());
}

TEST(OpaqueToken, ATimeThatNoEventCanHaveIsNoticed) {
  const auto is_read = [](int64_t ms) {
    TokenWriter writer;
    writer.AddTime(Timestamp::FromMillis(ms));
    auto reader = TokenReader::Open(TokenKind::kResume, writer.Seal(TokenKind::kResume));
    return reader->ReadTime() == Timestamp::FromMillis(ms) && reader->AtEnd();
  };
  EXPECT_TRUE(is_read(Timestamp::Min().millis()));
  EXPECT_TRUE(is_read(-1));
  EXPECT_TRUE(is_read(Timestamp::Max().millis()));
  EXPECT_FALSE(is_read(Timestamp::Min().millis() - 1));
  EXPECT_FALSE(is_read(Timestamp::Max().millis() + 1));
  EXPECT_FALSE(is_read(INT64_MIN));
  EXPECT_FALSE(is_read(INT64_MAX));
}

TEST(OpaqueToken, IsSafeInAddresses) {
  EXPECT_EQ(Sealed().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_"),
            std::string::npos);
}

TEST(OpaqueToken, AnotherKindIsRefused) {
  EXPECT_FALSE(TokenReader::Open(TokenKind::kPage, Sealed()).has_value());
}

TEST(OpaqueToken, EveryChangedOrMissingCharacterIsNoticed) {
  const std::string token = Sealed();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(TokenReader::Open(TokenKind::kResume, changed).has_value()) << i;
    EXPECT_FALSE(TokenReader::Open(TokenKind::kResume, token.substr(0, i)).has_value()) << i;
  }
  // Found by fuzzing: other ways to write the same bytes are none of ours.
  for (const std::string& other : {token + " ", " " + token, token + "\n", token + "="}) {
    EXPECT_FALSE(TokenReader::Open(TokenKind::kResume, other).has_value()) << other;
  }
  for (const char* text : {"", "%", "not a token", "AAAA"}) {
    EXPECT_FALSE(TokenReader::Open(TokenKind::kResume, text).has_value()) << text;
  }
  EXPECT_FALSE(TokenReader::Open(TokenKind::kResume, std::string(1 << 20, 'A')).has_value());
}

}  // namespace
}  // namespace alertjoin
