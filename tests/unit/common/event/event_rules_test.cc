#include "common/event/event_rules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

v1::Query ValidQuery() {
  v1::Query query;
  query.set_source("prom");
  query.set_name("up");
  query.set_expression("up");
  query.set_time_kind(v1::TIME_KIND_SAMPLE);
  return query;
}

v1::Event ValidTransition() {
  v1::Event event;
  v1::TransitionEvent* transition = event.mutable_transition();
  transition->set_source("am");
  transition->set_fingerprint("00ff");
  transition->set_state(v1::ALERT_STATE_RESOLVED);
  transition->mutable_starts_at()->set_seconds(1);
  transition->mutable_ends_at()->set_seconds(2);
  v1::Binding* binding = transition->add_bindings();
  *binding->mutable_query() = ValidQuery();
  binding->set_matching(v1::Binding::MATCHING_ON);
  binding->add_on("job");
  return event;
}

v1::Event ValidSamples() {
  v1::Event event;
  v1::SampleBatch* samples = event.mutable_samples();
  samples->add_queries()->set_query_ref(7);
  *samples->mutable_queries(0)->mutable_query() = ValidQuery();
  samples->add_series()->set_series_ref(9);
  samples->mutable_series(0)->set_query_ref(7);
  samples->add_series_refs(9);
  samples->add_times_ms(1000);
  samples->add_values(1.5);
  return event;
}

v1::Event ValidProgress() {
  v1::Event event;
  *event.mutable_progress()->mutable_query() = ValidQuery();
  event.mutable_progress()->mutable_complete_from()->set_seconds(1);
  event.mutable_progress()->mutable_complete_through()->set_seconds(1);
  return event;
}

v1::Event ValidGap() {
  v1::Event event;
  event.mutable_gap()->set_source("prom");
  return event;
}

v1::Event ValidQueryError() {
  v1::Event event;
  *event.mutable_query_error()->mutable_query() = ValidQuery();
  event.mutable_query_error()->mutable_time()->set_seconds(1);
  event.mutable_query_error()->set_error(std::string(kSourceTextBytesMax, 'e'));
  return event;
}

v1::Event ValidSourceStatus() {
  v1::Event event;
  v1::SourceStatus* status = event.mutable_source_status();
  status->set_source("prom");
  status->set_kind(v1::SourceStatus::KIND_METRICS);
  status->set_producer_id("ingest");
  status->set_health(v1::SOURCE_HEALTH_ERROR);
  status->set_last_error(std::string(kSourceTextBytesMax, 'e'));
  status->mutable_time()->set_seconds(1);
  status->set_description(std::string(kSourceTextBytesMax, 'd'));
  return event;
}

// A rule broken by `Break` in an event that is valid otherwise, and the field to be named.
struct Violation {
  std::function<v1::Event()> valid;
  std::function<void(v1::Event&)> break_rule;
  std::string field;
};

void ExpectRefused(const std::vector<Violation>& violations) {
  for (const Violation& violation : violations) {
    v1::Event event = violation.valid();
    ASSERT_THAT(EventDecoder(100).Decode(event), IsOk());
    violation.break_rule(event);
    const auto decoded = EventDecoder(100).Decode(event);
    ASSERT_THAT(decoded, StatusIs(absl::StatusCode::kInvalidArgument, violation.field + ": "));
    const auto detail = DetailOf(decoded.status());
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->reason, "MALFORMED_EVENT");
    ASSERT_EQ(detail->field_violations.size(), 1U);
    EXPECT_EQ(detail->field_violations[0].field, violation.field);
  }
}

TEST(EventRules, EventWithoutKindIsRefused) {
  EXPECT_THAT(EventDecoder(1).Decode(v1::Event()),
              StatusIs(absl::StatusCode::kInvalidArgument, "kind: "));
}

TEST(EventRules, EachRuleOfATransitionNamesItsField) {
  const auto with = [](std::function<void(v1::TransitionEvent&)> break_rule, std::string field) {
    return Violation{ValidTransition,
                     [break_rule](v1::Event& event) { break_rule(*event.mutable_transition()); },
                     std::move(field)};
  };
  ExpectRefused({
      with([](auto& t) { t.clear_source(); }, "transition.source"),
      with([](auto& t) { t.set_source(std::string(257, 's')); }, "transition.source"),
      with([](auto& t) { t.clear_fingerprint(); }, "transition.fingerprint"),
      with([](auto& t) { t.clear_state(); }, "transition.state"),
      with([](auto& t) { t.set_state(static_cast<v1::AlertState>(3)); }, "transition.state"),
      with([](auto& t) { t.clear_starts_at(); }, "transition.starts_at"),
      with([](auto& t) { t.mutable_starts_at()->set_seconds(INT64_MAX); }, "transition.starts_at"),
      with([](auto& t) { t.mutable_starts_at()->set_nanos(-1); }, "transition.starts_at"),
      with([](auto& t) { t.clear_ends_at(); }, "transition.ends_at"),
      with([](auto& t) { t.set_state(v1::ALERT_STATE_FIRING); }, "transition.ends_at"),
      with([](auto& t) { t.mutable_ends_at()->set_nanos(INT32_MAX); }, "transition.ends_at"),
      with([](auto& t) { t.mutable_received_time()->set_nanos(-5); }, "transition.received_time"),
      with([](auto& t) { t.mutable_active_at()->set_nanos(-1); }, "transition.active_at"),
      with(
          [](auto& t) {
            t.mutable_active_at()->set_seconds(1);
            t.mutable_active_at()->set_nanos(1'000'000);
          },
          "transition.active_at"),
      with([](auto& t) { t.mutable_bindings(0)->clear_query(); }, "transition.bindings[0].query"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_query()->clear_source(); },
           "transition.bindings[0].query.source"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_query()->clear_name(); },
           "transition.bindings[0].query.name"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_query()->clear_expression(); },
           "transition.bindings[0].query.expression"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_query()->clear_time_kind(); },
           "transition.bindings[0].query.time_kind"),
      with([](auto& t) { t.mutable_bindings(0)->clear_matching(); },
           "transition.bindings[0].matching"),
      with([](auto& t) { t.mutable_bindings(0)->set_matching(v1::Binding::MATCHING_AGREEMENT); },
           "transition.bindings[0].on"),
      with([](auto& t) { t.mutable_bindings(0)->add_on(""); }, "transition.bindings[0].on"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_tolerance()->set_seconds(-1); },
           "transition.bindings[0].tolerance"),
      with([](auto& t) { t.mutable_bindings(0)->mutable_tolerance()->set_seconds(INT64_MAX); },
           "transition.bindings[0].tolerance"),
      with([](auto& t) { t.mutable_bindings(0)->set_comparison_operator("=>"); },
           "transition.bindings[0].comparison_operator"),
  });
}

TEST(EventRules, EachRuleOfSamplesNamesItsField) {
  const auto with = [](std::function<void(v1::SampleBatch&)> break_rule, std::string field) {
    return Violation{ValidSamples,
                     [break_rule](v1::Event& event) { break_rule(*event.mutable_samples()); },
                     std::move(field)};
  };
  ExpectRefused({
      with([](auto& s) { *s.add_queries() = s.queries(0); }, "samples.queries.query_ref"),
      with([](auto& s) { s.mutable_queries(0)->clear_query(); }, "samples.queries.query"),
      with([](auto& s) { s.mutable_queries(0)->mutable_query()->clear_name(); },
           "samples.queries.query.name"),
      with([](auto& s) { *s.add_series() = s.series(0); }, "samples.series.series_ref"),
      with([](auto& s) { s.mutable_series(0)->set_query_ref(8); }, "samples.series.query_ref"),
      with([](auto& s) { (*s.mutable_series(0)->mutable_labels())[std::string(257, 'n')] = ""; },
           "samples.series.labels[\"" + std::string(kExcerptBytes, 'n') + "...\"]"),
      with([](auto& s) { s.set_series_refs(0, 10); }, "samples.series_refs"),
      with([](auto& s) { s.add_series_refs(9); }, "samples"),
      with([](auto& s) { s.clear_times_ms(); }, "samples"),
      with([](auto& s) { s.add_values(1); }, "samples"),
      with([](auto& s) { s.set_times_ms(0, INT64_MIN); }, "samples.times_ms"),
      with([](auto& s) { s.set_times_ms(0, Timestamp::Max().millis() + 1); }, "samples.times_ms"),
      with([](auto& s) { s.mutable_received_time()->set_nanos(-1); }, "samples.received_time"),
  });
}

TEST(EventRules, EachRuleOfProgressAndGapNamesItsField) {
  const auto progress = [](std::function<void(v1::QueryProgress&)> break_rule, std::string field) {
    return Violation{ValidProgress,
                     [break_rule](v1::Event& event) { break_rule(*event.mutable_progress()); },
                     std::move(field)};
  };
  const auto gap = [](std::function<void(v1::Gap&)> break_rule, std::string field) {
    return Violation{ValidGap, [break_rule](v1::Event& event) { break_rule(*event.mutable_gap()); },
                     std::move(field)};
  };
  ExpectRefused({
      progress([](auto& p) { p.clear_query(); }, "progress.query"),
      progress([](auto& p) { p.mutable_query()->clear_source(); }, "progress.query.source"),
      progress([](auto& p) { p.clear_complete_from(); }, "progress.complete_from"),
      progress([](auto& p) { p.clear_complete_through(); }, "progress.complete_through"),
      progress([](auto& p) { p.mutable_complete_from()->set_seconds(2); },
               "progress.complete_through"),
      gap([](auto& g) { g.clear_source(); }, "gap.source"),
      gap([](auto& g) { g.mutable_query()->set_name("x"); }, "gap.query.source"),
      gap([](auto& g) { g.mutable_from()->set_nanos(-1); }, "gap.from"),
      gap([](auto& g) { g.mutable_through()->set_nanos(-1); }, "gap.through"),
  });
}

TEST(EventRules, EachRuleOfAQueryErrorNamesItsField) {
  const auto with = [](std::function<void(v1::QueryError&)> break_rule, std::string field) {
    return Violation{ValidQueryError,
                     [break_rule](v1::Event& event) { break_rule(*event.mutable_query_error()); },
                     std::move(field)};
  };
  ExpectRefused({
      with([](auto& e) { e.clear_query(); }, "query_error.query"),
      with([](auto& e) { e.mutable_query()->clear_name(); }, "query_error.query.name"),
      with([](auto& e) { e.clear_time(); }, "query_error.time"),
      with([](auto& e) { e.mutable_time()->set_nanos(-1); }, "query_error.time"),
      with([](auto& e) { e.mutable_error()->push_back('e'); }, "query_error.error"),
      with([](auto& e) { e.set_error("\xff"); }, "query_error.error"),
  });
}

TEST(EventRules, EachRuleOfASourceStatusNamesItsField) {
  const auto with = [](std::function<void(v1::SourceStatus&)> break_rule, std::string field) {
    return Violation{ValidSourceStatus,
                     [break_rule](v1::Event& event) { break_rule(*event.mutable_source_status()); },
                     "source_status." + field};
  };
  ExpectRefused({
      with([](auto& s) { s.clear_source(); }, "source"),
      with([](auto& s) { s.set_source(std::string(257, 's')); }, "source"),
      with([](auto& s) { s.clear_kind(); }, "kind"),
      with([](auto& s) { s.set_kind(static_cast<v1::SourceStatus::Kind>(3)); }, "kind"),
      with([](auto& s) { s.clear_producer_id(); }, "producer_id"),
      with([](auto& s) { s.set_producer_id(std::string(257, 'p')); }, "producer_id"),
      with([](auto& s) { s.clear_health(); }, "health"),
      with([](auto& s) { s.set_health(static_cast<v1::SourceHealth>(6)); }, "health"),
      with([](auto& s) { s.mutable_last_error()->push_back('e'); }, "last_error"),
      with([](auto& s) { s.mutable_last_error_time()->set_nanos(-1); }, "last_error_time"),
      with([](auto& s) { s.clear_time(); }, "time"),
      with([](auto& s) { s.mutable_time()->set_nanos(-1); }, "time"),
      with([](auto& s) { s.mutable_description()->push_back('d'); }, "description"),
  });
}

TEST(EventRules, PendingStartMayBeTheStart) {
  v1::Event event = ValidTransition();
  event.mutable_transition()->mutable_active_at()->set_seconds(1);
  // Both are floored to the millisecond before they are compared.
  event.mutable_transition()->mutable_active_at()->set_nanos(999'999);
  const auto decoded = EventDecoder(1).Decode(event);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(TransitionOf(*decoded)->active_at, TransitionOf(*decoded)->starts_at);
}

LabelSet ManyLabels(size_t count) {
  std::vector<LabelSet::Label> labels;
  for (size_t i = 0; i < count; ++i) labels.emplace_back(fmt::format("label{}", i), "v");
  return LabelSet(std::move(labels));
}

TransitionEvent Alert() {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = "00";
  return event;
}

TEST(EventRules, LabelLimitsAreInclusive) {
  TransitionEvent event = Alert();
  event.labels = ManyLabels(kLabelsMax);
  EXPECT_THAT(CheckEvent(event), IsOk());
  event.labels = ManyLabels(kLabelsMax + 1);
  EXPECT_THAT(CheckEvent(event),
              StatusIs(absl::StatusCode::kInvalidArgument, "labels: has 65 entries, at most 64"));

  event.labels = {{std::string(kLabelNameBytesMax, 'n'), std::string(kLabelValueBytesMax, 'v')}};
  EXPECT_THAT(CheckEvent(event), IsOk());
  event.labels = {{std::string(kLabelNameBytesMax + 1, 'n'), ""}};
  EXPECT_THAT(CheckEvent(event), StatusIs(absl::StatusCode::kInvalidArgument, "name has 257"));
  event.labels = {{"a", std::string(kLabelValueBytesMax + 1, 'v')}};
  EXPECT_THAT(CheckEvent(event), StatusIs(absl::StatusCode::kInvalidArgument, "value has 4097"));
}

TEST(EventRules, AnnotationLimitsAreInclusive) {
  TransitionEvent event = Alert();
  event.annotations = ManyLabels(kAnnotationsMax);
  EXPECT_THAT(CheckEvent(event), IsOk());
  event.annotations = ManyLabels(kAnnotationsMax + 1);
  EXPECT_THAT(CheckEvent(event), StatusIs(absl::StatusCode::kInvalidArgument, "annotations"));
  event.annotations = {{"a", std::string(kAnnotationValueBytesMax, 'v')}};
  EXPECT_THAT(CheckEvent(event), IsOk());
  event.annotations = {{"a", std::string(kAnnotationValueBytesMax + 1, 'v')}};
  EXPECT_THAT(CheckEvent(event), StatusIs(absl::StatusCode::kInvalidArgument, "annotations"));
}

TEST(EventRules, TextThatAProtoCannotCarryIsRefused) {
  TransitionEvent event = Alert();
  event.labels = {{"a", "\xff"}};
  EXPECT_THAT(CheckEvent(event), StatusIs(absl::StatusCode::kInvalidArgument, "UTF-8"));
  event = Alert();
  event.generator_url = "\xc0\x80";
  EXPECT_THAT(CheckEvent(event),
              StatusIs(absl::StatusCode::kInvalidArgument, "generator_url: must be valid UTF-8"));
}

TEST(EventRules, AbsentToleranceIsTheDefaultAndOnIsSortedOnce) {
  v1::Event event = ValidTransition();
  v1::Binding* binding = event.mutable_transition()->mutable_bindings(0);
  binding->add_on("instance");
  binding->add_on("job");
  const auto decoded = EventDecoder(1).Decode(event);
  ASSERT_THAT(decoded, IsOk());
  const Binding& result = *TransitionOf(*decoded)->bindings.at(0);
  EXPECT_EQ(result.tolerance, kDefaultTolerance);
  EXPECT_THAT(result.on, ::testing::ElementsAre("instance", "job"));
}

TEST(EventRules, ZeroToleranceIsNotTheDefault) {
  v1::Event event = ValidTransition();
  event.mutable_transition()->mutable_bindings(0)->mutable_tolerance();
  const auto decoded = EventDecoder(1).Decode(event);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(TransitionOf(*decoded)->bindings.at(0)->tolerance, Millis(0));
}

TEST(EventRules, OriginOfALaterVersionIsNoError) {
  v1::Event event = ValidTransition();
  event.mutable_transition()->set_origin(static_cast<v1::Origin>(99));
  const auto decoded = EventDecoder(1).Decode(event);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(TransitionOf(*decoded)->origin, Origin::kUnspecified);
}

}  // namespace
}  // namespace alertjoin
