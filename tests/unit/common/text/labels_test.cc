#include "common/text/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <set>
#include <type_traits>
#include <vector>

namespace alertjoin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

static_assert(std::forward_iterator<LabelSet::const_iterator>);
static_assert(std::is_nothrow_move_constructible_v<LabelSet>);
static_assert(std::is_nothrow_move_assignable_v<LabelSet>);

// Millions are kept.
static_assert(sizeof(LabelSet) == sizeof(void*));

LabelSet UsualLabels() {
  return LabelSet{{"alertname", "DiskFull"}, {"cluster", "eu-1"},      {"device", "/dev/sda1"},
                  {"instance", "db1:9100"},  {"job", "node-exporter"}, {"severity", "critical"}};
}

TEST(LabelSet, OrdersByNameAndKeepsTheLastOfEqualNames) {
  const LabelSet labels(std::vector<LabelSet::Label>{{"b", "1"}, {"a", "2"}, {"b", "3"}});
  EXPECT_EQ(ToString(labels), "{a=\"2\", b=\"3\"}");
  EXPECT_EQ(labels, (LabelSet{{"a", "2"}, {"b", "3"}}));
}

TEST(LabelSet, AnAbsentLabelReadsAsEmpty) {
  const LabelSet labels{{"a", ""}, {"b", "1"}};
  EXPECT_EQ(labels.Get("a"), "");
  EXPECT_EQ(labels.Get("c"), "");
  EXPECT_TRUE(labels.Has("a"));
  EXPECT_FALSE(labels.Has("c"));
  EXPECT_EQ(labels.Without("b"), (LabelSet{{"a", ""}}));
}

// Vectors from Alertmanager 0.25.
TEST(LabelSet, HasTheFingerprintThatAlertmanagerGives) {
  EXPECT_EQ((LabelSet{{"alertname", "DiskFull"}, {"instance", "db1:9100"}, {"job", "node"}})
                .FingerprintHex(),
            "d051fad0fb611515");
  EXPECT_EQ(LabelSet{}.FingerprintHex(), "cbf29ce484222325");
  EXPECT_EQ((LabelSet{{"a", ""}}).FingerprintHex(), "cbf29ce484222325");
}

TEST(LabelSet, TheFingerprintSeparatesNamesFromValues) {
  EXPECT_NE((LabelSet{{"ab", "c"}}).Fingerprint(), (LabelSet{{"a", "bc"}}).Fingerprint());
  EXPECT_EQ((LabelSet{{"a", "1"}, {"b", ""}}).Fingerprint(), (LabelSet{{"a", "1"}}).Fingerprint());
}

TEST(LabelSet, GivesItsLabelsInOrderOfName) {
  const LabelSet labels{{"job", "api"}, {"a", ""}, {"instance", "i"}};
  EXPECT_THAT(labels, ElementsAre(Pair("a", ""), Pair("instance", "i"), Pair("job", "api")));
  const auto found = std::find_if(labels.begin(), labels.end(),
                                  [](const auto& label) { return label.second == "i"; });
  ASSERT_NE(found, labels.end());
  EXPECT_EQ(found->first, "instance");
  EXPECT_EQ(std::next(found)->second, "api");
  EXPECT_EQ(std::next(found, 2), labels.end());
}

TEST(LabelSet, TheEmptySetHasNothingAndTakesNothing) {
  const LabelSet labels;
  EXPECT_TRUE(labels.empty());
  EXPECT_THAT(labels, IsEmpty());
  EXPECT_EQ(labels.size(), 0u);
  EXPECT_EQ(labels.ByteSize(), 0u);
  EXPECT_EQ(labels.MemoryBytes(), 0u);
  EXPECT_EQ(labels.Get(""), "");
  EXPECT_FALSE(labels.Has(""));
  EXPECT_EQ(labels, LabelSet(std::vector<LabelSet::Label>{}));
  EXPECT_EQ(labels.Hash(), LabelSet().Hash());
  EXPECT_LT(labels, (LabelSet{{"", ""}}));
  EXPECT_EQ(ToString(labels), "{}");
}

TEST(LabelSet, WithoutItsLastLabelIsTheEmptySet) {
  EXPECT_EQ((LabelSet{{"a", "1"}}).Without("a"), LabelSet());
  EXPECT_EQ((LabelSet{{"a", "1"}}).Without("A"), (LabelSet{{"a", "1"}}));
}

TEST(LabelSet, KeepsAnyBytes) {
  using namespace std::string_view_literals;
  const LabelSet labels{{"a\0b"sv, "\xff\0\""sv}, {"\xff"sv, "\x80\x7f"sv}, {""sv, "nameless"sv}};
  EXPECT_THAT(labels, ElementsAre(Pair("", "nameless"), Pair("a\0b"sv, "\xff\0\""sv),
                                  Pair("\xff"sv, "\x80\x7f"sv)));
  EXPECT_EQ(labels.Get("a"), "");
  EXPECT_EQ(labels.Get("a\0b"sv), "\xff\0\""sv);
}

// Around the lengths at which the length of a text takes one byte more.
TEST(LabelSet, KeepsTextsOfAnyLength) {
  for (const size_t length : std::initializer_list<size_t>{126, 127, 128, 129, 16'383, 16'384,
                                                           16'385, 2'097'151, 2'097'152}) {
    const std::string text(length, '\x80');
    const LabelSet labels{{"a", text}, {"b" + text, "1"}, {"c", "2"}};
    EXPECT_EQ(labels.Get("a"), text) << length;
    EXPECT_EQ(labels.Get("b" + text), "1") << length;
    EXPECT_EQ(labels.Get("c"), "2") << length;
    EXPECT_EQ(labels.size(), 3u) << length;
    EXPECT_EQ(labels.ByteSize(), 2 * length + 5) << length;
    EXPECT_EQ(labels, (LabelSet{{"c", "2"}, {"b" + text, "1"}, {"a", text}})) << length;
    EXPECT_NE(labels, (LabelSet{{"a", text + "\x80"}, {"b" + text, "1"}, {"c", "2"}})) << length;
  }
}

TEST(LabelSet, TakesLittleMoreThanItsText) {
  const LabelSet labels = UsualLabels();
  // Two bytes per label for the lengths, 4 for the block, 8 for malloc and its rounding up to 16.
  EXPECT_GE(labels.MemoryBytes(), labels.ByteSize() + 2 * labels.size() + 12);
  EXPECT_LT(labels.MemoryBytes(), labels.ByteSize() + 2 * labels.size() + 28);
  EXPECT_EQ((LabelSet{{"a", "1"}}).MemoryBytes(), 32u);
}

TEST(LabelSet, CopiesOutliveTheOriginal) {
  LabelSet copy;
  LabelSet without;
  {
    const LabelSet original = UsualLabels();
    copy = original;
    without = original.Without("absent");
    EXPECT_NE(copy.Get("job").data(), original.Get("job").data());
  }
  EXPECT_EQ(copy, UsualLabels());
  EXPECT_EQ(without, UsualLabels());
}

TEST(LabelSet, ChangingACopyLeavesTheOriginal) {
  const LabelSet original = UsualLabels();
  LabelSet copy = original;
  copy = copy.Without("job");
  EXPECT_FALSE(copy.Has("job"));
  EXPECT_EQ(original, UsualLabels());
  copy = {{"a", "1"}};
  EXPECT_EQ(original, UsualLabels());
  EXPECT_EQ(copy, (LabelSet{{"a", "1"}}));
}

TEST(LabelSet, MovesLeaveTheEmptySet) {
  LabelSet from = UsualLabels();
  LabelSet to = std::move(from);
  EXPECT_EQ(to, UsualLabels());
  EXPECT_EQ(from, LabelSet());  // NOLINT(bugprone-use-after-move)
  from = std::move(to);
  EXPECT_EQ(from, UsualLabels());
  EXPECT_EQ(to, LabelSet());  // NOLINT(bugprone-use-after-move)
}

TEST(LabelSet, AssigningItToItselfChangesNothing) {
  LabelSet labels = UsualLabels();
  LabelSet& same = labels;
  labels = same;
  EXPECT_EQ(labels, UsualLabels());
  labels = std::move(same);
  EXPECT_EQ(labels, UsualLabels());
}

TEST(LabelSet, AViewStaysValidWhenItsSetIsMoved) {
  LabelSet from = UsualLabels();
  const std::string_view job = from.Get("job");
  const LabelSet to = std::move(from);
  EXPECT_EQ(job.data(), to.Get("job").data());
  EXPECT_EQ(job, "node-exporter");
}

TEST(LabelSet, TheHashTellsNearSetsApart) {
  std::set<size_t> hashes;
  size_t sets = 0;
  const auto add = [&](const LabelSet& labels) {
    ++sets;
    hashes.insert(labels.Hash());
    EXPECT_EQ(labels.Hash(), LabelSet(labels).Hash());
  };
  add(LabelSet());
  add({{"", ""}});
  add({{"ab", "c"}});
  add({{"a", "bc"}});
  add({{"a", "b"}, {"c", ""}});
  add({{"a", ""}, {"b", "c"}});
  for (int i = 0; i < 10'000; ++i) {
    add({{"instance", "host-" + std::to_string(i)}, {"job", "node"}});
  }
  EXPECT_EQ(hashes.size(), sets);
}

TEST(LabelSet, TextEscapesWhatPromqlEscapes) {
  EXPECT_EQ(ToString(LabelSet{{"a", "q\"b\\n\n"}}), "{a=\"q\\\"b\\\\n\\n\"}");
}

TEST(LabelSet, TextQuotesNamesThatPromqlKnowsOnlyInQuotes) {
  EXPECT_EQ(ToString(LabelSet{{"_a1", "1"}, {"service.name", "x"}}),
            "{_a1=\"1\", \"service.name\"=\"x\"}");
  EXPECT_EQ(ToString(LabelSet{{"1a", "1"}}), "{\"1a\"=\"1\"}");
  EXPECT_EQ(ToString(LabelSet{{"a:b", "1"}}), "{\"a:b\"=\"1\"}");
  EXPECT_EQ(ToString(LabelSet{{"gr\xc3\xb6\xc3\x9f\x65\"", "1"}}),
            "{\"gr\xc3\xb6\xc3\x9f\x65\\\"\"=\"1\"}");
}

}  // namespace
}  // namespace alertjoin
