#include "common/config/yaml_tree.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/seed.h"

namespace alertjoin {
namespace {

std::string FaultOf(std::string_view text) {
  const auto parsed = ParseYaml(text);
  const auto* fault = std::get_if<YamlSyntaxFault>(&parsed);
  if (!fault) return "none";
  return std::to_string(fault->position.line) + ":" + std::to_string(fault->position.column) +
         ": " + fault->message;
}

std::string Repeat(std::string_view text, size_t times) {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(YamlTree, KeepsOrderKindsAndPlaces) {
  const auto parsed = ParseYaml("b: [x, ~]\na: {c: 'q'}\ne:\n");
  const auto& root = *std::get<std::unique_ptr<YamlValue>>(parsed);
  ASSERT_EQ(root.entries.size(), 3u);
  EXPECT_EQ(root.entries[0].key, "b");
  ASSERT_EQ(root.entries[0].value->items.size(), 2u);
  EXPECT_EQ(root.entries[0].value->items[0]->text, "x");
  EXPECT_EQ(root.entries[0].value->items[1]->kind, YamlValue::Kind::kNull);
  EXPECT_EQ(root.entries[1].value->entries[0].value->text, "q");
  EXPECT_EQ(root.entries[1].value->entries[0].value->position.line, 2);
  EXPECT_EQ(root.entries[1].value->entries[0].value->position.column, 8);
  EXPECT_EQ(root.entries[2].value->kind, YamlValue::Kind::kNull);
  EXPECT_EQ(root.entries[2].value->position.line, 3);
}

TEST(YamlTree, DoubledKeyIsAFaultThatNamesBothPlaces) {
  EXPECT_EQ(FaultOf("a: 1\nb: 2\na: 3\n"), "3:1: key \"a\" is doubled; it stands in line 1, too");
  EXPECT_EQ(FaultOf("x:\n  {k: 1, k: 2}\n"),
            "2:10: key \"k\" is doubled; it stands in line 2, too");
  EXPECT_EQ(FaultOf("x: {k: 1}\ny: {k: 2}\n"), "none");
}

TEST(YamlTree, WhatWeDoNotTakeIsRefusedByName) {
  EXPECT_EQ(FaultOf("a: &x 1\nb: *x\n"),
            "2:4: aliases (*name) are not supported; repeat the value");
  EXPECT_EQ(FaultOf("a: !secret x\n"),
            "1:4: a tag is not supported: a text that begins with ! needs quotes");
  EXPECT_EQ(FaultOf("a: !!str 5\n"), "none");
  EXPECT_EQ(FaultOf("? [a]\n: 1\n"), "1:3: a key that is no plain text");
  EXPECT_EQ(FaultOf("~: 1\n"), "1:1: an empty key");
  EXPECT_EQ(FaultOf("a: 1\n---\nb: 2\n"),
            "2:1: a second document begins here; put everything into one");
  EXPECT_EQ(FaultOf("---\na: 1\n...\n"), "none");
  EXPECT_EQ(FaultOf(std::string("a: 1\nb: \0", 9)), "2:4: a NUL byte: this is no YAML in UTF-8");
  EXPECT_EQ(FaultOf(std::string(kYamlBytesMax + 1, 'x')), "1:1: larger than 1048576 bytes");
}

TEST(YamlTree, DepthIsLimited) {
  const auto nested = [](int levels) {
    return Repeat("[", static_cast<size_t>(levels)) + Repeat("]", static_cast<size_t>(levels));
  };
  EXPECT_EQ(FaultOf(nested(kYamlDepthMax)), "none");
  EXPECT_EQ(FaultOf(nested(kYamlDepthMax + 1)), "1:33: nested deeper than 32 levels");
}

TEST(YamlTree, HostileTextsAreRefusedOrReadButNeverCrash) {
  for (const char* unit :
       {"[",   "{",     "- ",          "? ",  "a: ", "[a: ", "{a: ", "\"a\" ", "!", "&a ",
        "*a ", "---\n", "%YAML 1.2\n", "[\n", "|\n", "'",    "x",    "\xff",   ",", ":"}) {
    const std::string text = Repeat(unit, kYamlBytesMax / std::string_view(unit).size());
    FaultOf(text);
  }
  // The classic of growing by aliases.
  EXPECT_NE(FaultOf("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"), "none");
}

TEST(YamlTree, RandomTextsNeverCrash) {
  std::mt19937_64 random(TestSeed());
  constexpr std::string_view kAlphabet = "ab:-?[]{}&*!|>'\"%@`,# \n\t~\\0\x80\xff";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    const size_t size = random() % 40;
    while (text.size() < size) text += kAlphabet[random() % kAlphabet.size()];
    FaultOf(text);
  }
}

}  // namespace
}  // namespace alertjoin
