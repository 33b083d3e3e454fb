#include "common/text/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace alertjoin {
namespace {

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

TEST(LabelSet, TextEscapesWhatPromqlEscapes) {
  EXPECT_EQ(ToString(LabelSet{{"a", "q\"b\\n\n"}}), "{a=\"q\\\"b\\\\n\\n\"}");
}

}  // namespace
}  // namespace alertjoin
