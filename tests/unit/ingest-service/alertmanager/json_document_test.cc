#include "ingest-service/alertmanager/json_document.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "ingest-service/alertmanager/json_limits.h"
#include "tests/support/seed.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

// All that a document says, read by the functions of JsonValue.
nlohmann::json ReadAll(const JsonValue& value) {
  if (value.is_string()) return std::string(value.text());
  if (value.is_number_unsigned()) return value.unsigned_number();
  if (value.is_number()) return value.number();
  if (value.is_object()) {
    nlohmann::json object = nlohmann::json::object();
    for (const JsonValue& member : value) object[std::string(member.key())] = ReadAll(member);
    return object;
  }
  if (value.is_array()) {
    nlohmann::json array = nlohmann::json::array();
    for (const JsonValue& element : value) array.push_back(ReadAll(element));
    EXPECT_EQ(array.size(), value.size());
    return array;
  }
  return value.is_null() ? nlohmann::json() : nlohmann::json(value.type_name());
}

// A JsonValue does not tell true from false, nor keep integers below 0 apart from other numbers.
nlohmann::json Simplified(const nlohmann::json& json) {
  if (json.is_boolean()) return "boolean";
  if (json.is_number() && !json.is_number_unsigned()) return json.get<double>();
  if (!json.is_structured()) return json;
  nlohmann::json simplified = json;
  for (nlohmann::json& value : simplified) value = Simplified(value);
  return simplified;
}

// Both parsers must say the same of the text.
void Compare(const std::string& text) {
  const auto expected = ParseJson(text);
  const auto document = JsonDocument::Parse(text);
  ASSERT_EQ(document.ok(), expected.ok()) << text;
  if (!expected.ok()) {
    EXPECT_EQ(document.status(), expected.status()) << text;
    return;
  }
  EXPECT_EQ(ReadAll(document->root()), Simplified(*expected)) << text;
  EXPECT_STREQ(document->root().type_name(), expected->type_name());
}

constexpr char kText[] = R"({"a":[1,-2,3.5,1e3,18446744073709551615,18446744073709551616,0,-0],
  "b":{"":null,"nested":{"deep":[[],{},"",[{"x":"y"}]]},"Quote\"":"tab\t \u0000\u00e9\ud83d\ude00"},
  "c":true,"d":false,"c":"again","Grüße":"€"} )";

TEST(JsonDocument, SaysWhatTheTextSays) {
  Compare(kText);
  for (const char* text : {"null", " 5 ", "\"text\"", "[]", "{}", "true", "\xef\xbb\xbf[1]"}) {
    Compare(text);
  }
}

TEST(JsonDocument, RefusesWhatParseJsonRefusesInTheSameWords) {
  for (const std::string& text :
       {std::string(), std::string("{\"a\":1"), std::string("{\"a\":\"\xff\"}"),
        std::string("[1e999]"), std::string("{} x"), std::string("\"\\ud800\""),
        std::string(40, '['), std::string(32, '[') + std::string(32, ']'),
        std::string(33, '[') + std::string(33, ']'), std::string("\xef\xbb[]")}) {
    Compare(text);
  }
}

TEST(JsonDocument, HasNoMoreSeparatorsThanParseJsonTakes) {
  std::string text;
  for (size_t i = 0; i < kJsonSeparatorsMax / 4; ++i) text += "[0,0],{\"\":0},";
  Compare("[" + text + "0,0]");
}

TEST(JsonDocument, EveryCutAndChangeIsReadAsByParseJson) {
  const std::string whole = kText;
  for (size_t size = 0; size < whole.size(); ++size) Compare(whole.substr(0, size));
  std::mt19937_64 random(TestSeed());
  constexpr std::string_view kBytes = "\"{}[]:,\\ 0a\x80\xff\n-.eu";
  for (int i = 0; i < 5000; ++i) {
    std::string text = whole;
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = kBytes[random() % kBytes.size()];
      } else {
        text.insert(at, text.substr(random() % text.size(), random() % 40));
      }
    }
    Compare(text);
  }
}

TEST(JsonDocument, OfDoubledMembersTheLastIsFound) {
  const auto document = JsonDocument::Parse(R"({"a":1,"b":2,"a":{"c":3},"b":4})");
  ASSERT_THAT(document, IsOk());
  EXPECT_TRUE(document->root().Find("a")->contains("c"));
  EXPECT_EQ(document->root().Find("b")->unsigned_number(), 4u);
  EXPECT_EQ(document->root().Find("c"), nullptr);
  EXPECT_EQ(document->root().size(), 4u);
}

TEST(JsonDocument, ValuesStayWhereTheyAreWhenItIsMoved) {
  auto document = JsonDocument::Parse(R"({"k":"v"})");
  ASSERT_THAT(document, IsOk());
  const JsonValue& value = *document->root().Find("k");
  const JsonDocument moved = *std::move(document);
  EXPECT_EQ(value.text(), "v");
  EXPECT_EQ(&value, moved.root().Find("k"));
}

}  // namespace
}  // namespace alertjoin
