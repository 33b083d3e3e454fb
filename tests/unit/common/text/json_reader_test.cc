#include "common/text/json_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

using ::testing::HasSubstr;

// The document as the reader sees it.
nlohmann::json ReadValue(JsonReader& reader) {
  std::string_view text;
  switch (reader.Peek()) {
    case '{': {
      nlohmann::json object = nlohmann::json::object();
      reader.EnterObject();
      while (reader.NextKey(&text)) {
        const std::string key(text);
        object[key] = ReadValue(reader);
      }
      return object;
    }
    case '[': {
      nlohmann::json array = nlohmann::json::array();
      reader.EnterArray();
      while (reader.NextElement()) array.push_back(ReadValue(reader));
      return array;
    }
    case '"':
      return reader.ReadString(&text) ? nlohmann::json(text) : nlohmann::json();
    case 't':
      return reader.Skip();
    case 'f':
      reader.Skip();
      return false;
    case 'n':
      reader.Skip();
      return nullptr;
    default:
      return reader.ReadNumber(&text) ? nlohmann::json::parse(text) : nlohmann::json();
  }
}

std::string FailureOf(const std::string& text) {
  JsonReader reader(text);
  reader.Skip();
  reader.Finish();
  return reader.failure();
}

size_t DepthOf(const std::string& text) {
  size_t depth = 0;
  size_t most = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') most = std::max(most, ++depth);
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return most;
}

// Against another implementation. Numbers beyond the range of a double are its own affair.
void ExpectAsNlohmann(const std::string& text) {
  const bool skips = FailureOf(text).empty();
  JsonReader reader(text);
  nlohmann::json read;
  try {
    read = ReadValue(reader);
  } catch (const nlohmann::json::out_of_range&) {
    return;
  }
  const bool reads = reader.Finish();
  EXPECT_EQ(skips, reads) << text;
  try {
    const nlohmann::json expected = nlohmann::json::parse(text);
    if (DepthOf(text) > JsonReader::kDepthMax) return;
    EXPECT_TRUE(reads) << text << "\n" << reader.failure();
    EXPECT_EQ(read.dump(), expected.dump()) << text;
  } catch (const nlohmann::json::out_of_range&) {
  } catch (const nlohmann::json::parse_error&) {
    EXPECT_FALSE(reads) << text;
  }
}

TEST(JsonReader, ReadsWhatAnotherParserReads) {
  for (const std::string text :
       {R"({"a":[1,-2.5e+3,0.1,-0,0e1],"b":{"c":true,"d":false,"e":null},"":"","f":[[],{}]})",
        " \t\r\n[ 1 , \"a\" ] \n", R"("\"\\\/\b\f\n\r\té漢😀ÿ")", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
        "{}", "[]", "1", "\"\\u0000\"", "[\"a\x7f\"]", R"(["\uD83D\uDE00"])"}) {
    ExpectAsNlohmann(text);
    EXPECT_EQ(FailureOf(text), "") << text;
  }
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "[",
                                 "]",
                                 "[1,]",
                                 "[,1]",
                                 "[1 2]",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{,\"a\":1}",
                                 "{a:1}",
                                 "{1:1}",
                                 "01",
                                 "-",
                                 "-01",
                                 "+1",
                                 ".5",
                                 "1.",
                                 "1e",
                                 "1e+",
                                 "0x1",
                                 "NaN",
                                 "tru",
                                 "nul",
                                 "truee",
                                 "[true false]",
                                 "\"",
                                 "\"\\\"",
                                 "\"\\x\"",
                                 "\"\\u12g4\"",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\\ud800\\ue000\"",
                                 "\"\\udc00\"",
                                 "\"a\nb\"",
                                 "\"\xff\"",
                                 "\"\xc3\"",
                                 "\"\xed\xa0\x80\"",
                                 "\"\xc0\x80\"",
                                 "[1}",
                                 "{\"a\":1]",
                                 "1 1",
                                 "[] []",
                                 "'a'",
                                 "//\n1"}) {
    ExpectAsNlohmann(text);
    EXPECT_NE(FailureOf(text), "") << text;
  }
}

TEST(JsonReader, FailuresSayWhatAndWhere) {
  EXPECT_EQ(FailureOf("[1,,2]"), "expected a value at byte 3");
  EXPECT_EQ(FailureOf("[1 2]"), "expected a comma or the end of the object or array at byte 3");
  EXPECT_EQ(FailureOf("{\"a\" 1}"), "expected a colon at byte 5");
  EXPECT_EQ(FailureOf("{} x"), "something follows the end at byte 3");
  EXPECT_EQ(FailureOf("[1,"), "not JSON: it ends where a value is expected at byte 3");
  EXPECT_THAT(FailureOf("[\"abc\x80\"]"), HasSubstr("not UTF-8"));
}

TEST(JsonReader, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(FailureOf(nested(32)), "");
  EXPECT_EQ(FailureOf(nested(33)), "nested deeper than 32 at byte 32");
  EXPECT_EQ(FailureOf(std::string(5'000'000, '[')), "nested deeper than 32 at byte 32");
}

TEST(JsonReader, TheFirstFailureStays) {
  JsonReader reader("[1,\"a\"]");
  std::string_view text;
  EXPECT_TRUE(reader.EnterArray());
  EXPECT_TRUE(reader.NextElement());
  EXPECT_FALSE(reader.ReadString(&text));
  EXPECT_EQ(reader.failure(), "expected a string at byte 1");
  EXPECT_FALSE(reader.ReadNumber(&text));
  EXPECT_FALSE(reader.NextElement());
  EXPECT_FALSE(reader.Skip());
  EXPECT_FALSE(reader.Finish());
  EXPECT_EQ(reader.failure(), "expected a string at byte 1");
}

TEST(JsonReader, ChangedTextsAreJudgedAsByAnotherParser) {
  std::mt19937_64 random(TestSeed());
  const std::string sound =
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"\u00e9\n"},)"
      R"("values":[[1700000000.123,"-1.5e-07"],[1.7e9,"NaN"]],"x":[true,false,null,{}]}]}})";
  const std::string bytes = "{}[],:\"\\u0123456789abcdefE+-. \n\t\xc3\xa9\xffntrue";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = sound;
    const size_t changes = 1 + random() % 4;
    for (size_t i = 0; i < changes; ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = bytes[random() % bytes.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        case 2:
          text.insert(at, 1, bytes[random() % bytes.size()]);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 20));
      }
      if (text.empty()) text = "1";
    }
    ExpectAsNlohmann(text);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace alertjoin
