#include "common/text/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "common/status/status.h"
#include "tests/support/seed.h"

namespace alertjoin {
namespace {

TEST(Utf8, IsWellFormedOrNot) {
  for (const std::string text :
       {"", "ascii", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa4z"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << Excerpt(text, 20);
  }
  EXPECT_TRUE(IsValidUtf8(std::string_view("\0", 1)));
  for (const std::string text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xe0\xa0",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "ok\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(text)) << Excerpt(text, 20);
  }
}

// It is looked at in words.
TEST(Utf8, OneBadByteIsFoundAnywhere) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      ASSERT_TRUE(IsValidUtf8(text));
      text[at] = '\x80';
      ASSERT_FALSE(IsValidUtf8(text)) << at << " of " << size;
    }
  }
}

TEST(Utf8, WhatFitsStaysAsItIs) {
  EXPECT_EQ(ValidUtf8("", 0), "");
  EXPECT_EQ(ValidUtf8("a\xc3\xa4z", 4), "a\xc3\xa4z");
}

TEST(Utf8, IsCutBetweenSequences) {
  const std::string text = "a\xc3\xa4\xe4\xb8\x96\xf0\x9f\x98\x80";  // 1, 2, 3 and 4 bytes.
  const std::string cut_at[] = {
      "", "a", "a", text.substr(0, 3), text.substr(0, 3), text.substr(0, 3), text.substr(0, 6)};
  for (size_t bytes = 0; bytes <= 6; ++bytes) EXPECT_EQ(ValidUtf8(text, bytes), cut_at[bytes]);
  EXPECT_EQ(ValidUtf8(text, 9), text.substr(0, 6));
  EXPECT_EQ(ValidUtf8(text, 10), text);
}

TEST(Utf8, BytesOfNoSequenceAreReplacedOneByOne) {
  EXPECT_EQ(ValidUtf8("a\xff\xe2\x82z", 100), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
  EXPECT_EQ(ValidUtf8("\xff\xff", 5), "\xef\xbf\xbd");
}

TEST(Utf8, AnyBytesBecomeValidWithinTheLimit) {
  std::mt19937_64 random(TestSeed());
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? 0xe2 : random());
    const size_t limit = random() % 60;
    const std::string valid = ValidUtf8(bytes, limit);
    EXPECT_LE(valid.size(), limit);
    EXPECT_TRUE(IsValidUtf8(valid)) << Excerpt(bytes, 50);
    EXPECT_TRUE(!IsValidUtf8(bytes) || bytes.starts_with(valid)) << Excerpt(bytes, 50);
  }
}

}  // namespace
}  // namespace alertjoin
