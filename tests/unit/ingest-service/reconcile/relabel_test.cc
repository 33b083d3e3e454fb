#include "ingest-service/reconcile/relabel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::Optional;

const LabelSet kAlert = {
    {"alertname", "DiskFull"}, {"instance", "db1:9100"}, {"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

std::optional<LabelSet> Apply(RelabelSpec spec, const LabelSet& labels = kAlert,
                              RelabelDialect dialect = RelabelDialect::kVersion2) {
  const auto rule = RelabelRule::Create(std::move(spec), dialect);
  EXPECT_THAT(rule, IsOk());
  return Relabel(labels, std::span(&*rule, 1));
}

LabelSet With(std::string_view name, std::string_view value, const LabelSet& labels = kAlert) {
  std::vector<LabelSet::LabelView> all(labels.begin(), labels.end());
  all.emplace_back(name, value);
  return LabelSet(std::span<const LabelSet::LabelView>(all));
}

// The cases are those of Prometheus' own tests where it has one (model/relabel/relabel_test.go).
TEST(Relabel, ReplaceWritesTheExpandedTemplate) {
  EXPECT_THAT(Apply({.source_labels = {"a"},
                     .regex = "f(.*)",
                     .target_label = "d",
                     .replacement = "ch${1}-ch${1}"}),
              Optional(With("d", "choo-choo")));
  EXPECT_THAT(Apply({.source_labels = {"a", "b"},
                     .regex = "(?P<first>f.*);(b)(.*)",
                     .target_label = "d",
                     .replacement = "$first$2${2}_$$_$9_$3x_$"}),
              Optional(With("d", "foobb_$_$")));
  EXPECT_THAT(Apply({.source_labels = {"a"}, .target_label = "d"}), Optional(With("d", "foo")));
}

TEST(Relabel, ReplaceNeedsAMatchOfTheWholeValue) {
  EXPECT_THAT(Apply({.source_labels = {"a"}, .regex = "fo|x", .target_label = "d"}),
              Optional(kAlert));
  EXPECT_THAT(
      Apply({.source_labels = {"a"}, .regex = "x|fo+", .target_label = "d", .replacement = "y"}),
      Optional(With("d", "y")));
}

TEST(Relabel, ReplaceWithNothingRemovesTheTarget) {
  EXPECT_THAT(Apply({.source_labels = {"a"}, .target_label = "b", .replacement = ""}),
              Optional(kAlert.Without("b")));
  EXPECT_THAT(Apply({.source_labels = {"nothing"}, .target_label = "b"}),
              Optional(kAlert.Without("b")));
}

TEST(Relabel, ReplaceMakesTheTargetsNameToo) {
  EXPECT_THAT(Apply({.source_labels = {"a"},
                     .regex = "(f)(.*)",
                     .target_label = "x_${2}",
                     .replacement = "${1}"}),
              Optional(With("x_oo", "f")));
  // Not a name in version 2; every text is one from version 3 on.
  const RelabelSpec odd = {
      .source_labels = {"instance"}, .target_label = "${1}", .replacement = "x"};
  EXPECT_THAT(Apply(odd), Optional(kAlert));
  EXPECT_THAT(Apply(odd, kAlert, RelabelDialect::kVersion3), Optional(With("db1:9100", "x")));
}

TEST(Relabel, ADotMatchesANewlineFromVersion3On) {
  const LabelSet lines = With("text", "one\ntwo");
  const RelabelSpec spec = {
      .action = RelabelAction::kDrop, .source_labels = {"text"}, .regex = ".*"};
  EXPECT_THAT(Apply(spec, lines), Optional(lines));
  EXPECT_EQ(Apply(spec, lines, RelabelDialect::kVersion3), std::nullopt);
}

TEST(Relabel, KeepAndDrop) {
  const RelabelSpec keep = {
      .action = RelabelAction::kKeep, .source_labels = {"a", "b"}, .regex = "foo;b.*"};
  RelabelSpec drop = keep;
  drop.action = RelabelAction::kDrop;
  EXPECT_THAT(Apply(keep), Optional(kAlert));
  EXPECT_EQ(Apply(drop), std::nullopt);
  EXPECT_EQ(Apply(keep, With("b", "car")), std::nullopt);
  EXPECT_THAT(Apply(drop, With("b", "car")), Optional(With("b", "car")));
}

TEST(Relabel, KeepEqualAndDropEqual) {
  const RelabelSpec keep = {
      .action = RelabelAction::kKeepEqual, .source_labels = {"a"}, .target_label = "b"};
  RelabelSpec drop = keep;
  drop.action = RelabelAction::kDropEqual;
  EXPECT_EQ(Apply(keep), std::nullopt);
  EXPECT_THAT(Apply(drop), Optional(kAlert));
  EXPECT_THAT(Apply(keep, With("b", "foo")), Optional(With("b", "foo")));
  EXPECT_EQ(Apply(drop, With("b", "foo")), std::nullopt);
}

TEST(Relabel, HashModIsOfTheEndOfTheMd5Sum) {
  EXPECT_THAT(Apply({.action = RelabelAction::kHashMod,
                     .source_labels = {"c"},
                     .modulus = 1000,
                     .target_label = "d"}),
              Optional(With("d", "976")));
  // printf 'foo\nbar' | md5sum
  EXPECT_THAT(Apply({.action = RelabelAction::kHashMod,
                     .source_labels = {"a"},
                     .modulus = 1000,
                     .target_label = "d"},
                    With("a", "foo\nbar")),
              Optional(With("d", "734", With("a", "foo\nbar"))));
}

TEST(Relabel, LabelMapCopiesUnderNewNames) {
  EXPECT_THAT(Apply({.action = RelabelAction::kLabelMap, .regex = "(b|c)", .replacement = "my_$1"}),
              Optional(With("my_b", "bar", With("my_c", "baz"))));
}

TEST(Relabel, LabelDropAndLabelKeep) {
  EXPECT_THAT(Apply({.action = RelabelAction::kLabelDrop, .regex = "a|b"}),
              Optional(kAlert.Without("a").Without("b")));
  EXPECT_THAT(Apply({.action = RelabelAction::kLabelKeep, .regex = "a|alert.*"}),
              Optional(LabelSet{{"a", "foo"}, {"alertname", "DiskFull"}}));
}

TEST(Relabel, Case) {
  const LabelSet mixed = With("a", "FoO_ä");
  EXPECT_THAT(
      Apply({.action = RelabelAction::kLowercase, .source_labels = {"a"}, .target_label = "d"},
            mixed),
      Optional(With("d", "foo_ä", mixed)));
  EXPECT_THAT(
      Apply({.action = RelabelAction::kUppercase, .source_labels = {"a"}, .target_label = "d"},
            mixed),
      Optional(With("d", "FOO_ä", mixed)));
}

TEST(Relabel, RulesFollowEachOtherUntilOneDrops) {
  std::vector<RelabelRule> rules;
  for (RelabelSpec spec : {RelabelSpec{.source_labels = {"a"}, .target_label = "d"},
                           RelabelSpec{.source_labels = {"d"}, .target_label = "e"},
                           RelabelSpec{.action = RelabelAction::kLabelDrop, .regex = "d"}}) {
    rules.push_back(*RelabelRule::Create(spec, RelabelDialect::kVersion2));
  }
  EXPECT_THAT(Relabel(kAlert, rules), Optional(With("e", "foo")));
  EXPECT_EQ(Relabel(LabelSet{{"a", ""}}, {}), LabelSet());
}

TEST(Relabel, FaultsAreNamed) {
  const auto create = [](RelabelSpec spec) {
    return RelabelRule::Create(std::move(spec), RelabelDialect::kVersion2).status();
  };
  EXPECT_THAT(create({.regex = "(", .target_label = "a"}),
              StatusIs(absl::StatusCode::kInvalidArgument, "regex \"(\": missing"));
  EXPECT_THAT(create({}), StatusIs(absl::StatusCode::kInvalidArgument, "no target_label"));
  EXPECT_THAT(create({.action = RelabelAction::kHashMod, .target_label = "a"}),
              StatusIs(absl::StatusCode::kInvalidArgument, "modulus"));
  EXPECT_EQ(RelabelActionOf("LabelDrop"), RelabelAction::kLabelDrop);
  EXPECT_EQ(RelabelActionOf("labeldropp"), std::nullopt);
}

}  // namespace
}  // namespace alertjoin
