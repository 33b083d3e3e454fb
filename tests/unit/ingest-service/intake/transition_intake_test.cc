#include "ingest-service/intake/transition_intake.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "common/event/event_codec.h"
#include "common/event/event_limits.h"
#include "common/eventlog/memory_event_log.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TransitionEvent Alert(const std::string& name, size_t padding_bytes = 0) {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = name;
  event.labels = {{"alertname", name}};
  event.annotations = {{"text", std::string(padding_bytes, 'x')}};
  return event;
}

// Binds every alert with the query that has its name.
class NameBinder final : public Binder {
 public:
  std::vector<Binding> Bind(const TransitionEvent& event) const override {
    Binding binding;
    binding.query = {"prom", event.fingerprint, event.fingerprint, TimeKind::kSample};
    binding.on = {"job"};
    return {binding};
  }
};

class TransitionIntakeTest : public ::testing::Test, public TransitionListener {
 protected:
  // Keeps what it is told, and how many events the spool had then.
  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    for (const TransitionEvent& transition : transitions) told_.push_back(transition);
    spooled_when_told_ = spool_.waiting();
  }

  std::vector<Event> Spooled() const {
    std::vector<Event> events;
    const auto chunk = spool_.Read(spool_.bounds().first, 100, 16 << 20);
    EXPECT_THAT(chunk, IsOk());
    for (const std::string& record : chunk->records) events.push_back(*DecodeRecord(record));
    return events;
  }
  static std::vector<std::string> QueriesOf(const TransitionEvent& transition) {
    std::vector<std::string> names;
    for (const auto& binding : transition.bindings) names.push_back(binding->query.name);
    return names;
  }

  MemoryEventLog log_{64 << 20};
  Spool spool_{log_, 100'000};
  NameBinder binder_;
  TransitionIntake intake_{binder_, spool_, *this};
  std::vector<TransitionEvent> told_;
  uint64_t spooled_when_told_ = 0;
};

TEST_F(TransitionIntakeTest, TransitionsAreSpooledWithTheirBindings) {
  EXPECT_THAT(intake_.Take({Alert("a"), Alert("b")}), IsOk());
  const auto events = Spooled();
  ASSERT_EQ(events.size(), 2u);
  ASSERT_NE(TransitionOf(events[1]), nullptr);
  EXPECT_EQ(TransitionOf(events[1])->fingerprint, "b");
  EXPECT_THAT(QueriesOf(*TransitionOf(events[1])), ElementsAre("b"));
}

TEST_F(TransitionIntakeTest, ThePayloadIsSpooledBehindThem) {
  EXPECT_THAT(intake_.Take({Alert("a")}, RawPayload{"am", Timestamp(), "{}"}), IsOk());
  const auto events = Spooled();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_NE(TransitionOf(events[0]), nullptr);
  EXPECT_EQ(std::get<RawPayload>(events[1]).body, "{}");
}

TEST_F(TransitionIntakeTest, TheListenerIsToldOfBoundTransitionsOnceTheyAreSpooled) {
  EXPECT_THAT(intake_.Take({Alert("a"), Alert("b")}), IsOk());
  ASSERT_EQ(told_.size(), 2u);
  EXPECT_THAT(QueriesOf(told_[0]), ElementsAre("a"));
  EXPECT_EQ(spooled_when_told_, 2u);
}

TEST_F(TransitionIntakeTest, AFullSpoolTakesNoneAndNobodyIsTold) {
  std::vector<TransitionEvent> transitions;
  for (int i = 0; i < 7; ++i) transitions.push_back(Alert("a", 16'000));
  EXPECT_THAT(intake_.Take(std::move(transitions)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Spooled(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(TransitionIntakeTest, OneThatCanNeverBeTakenKeepsAllOut) {
  TransitionEvent malformed = Alert("b");
  malformed.state = AlertState::kResolved;  // Without an end.
  EXPECT_THAT(intake_.Take({Alert("a"), malformed}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Spooled(), IsEmpty());
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(TransitionIntakeTest, NoTransitionsAreNothing) {
  EXPECT_THAT(intake_.Take({}, RawPayload{"am", Timestamp(), "{}"}), IsOk());
  EXPECT_THAT(Spooled(), IsEmpty());
}

TEST_F(TransitionIntakeTest, OfNewsOnlyWhatIsNotKnownIsTaken) {
  EXPECT_THAT(intake_.Take({Alert("a")}), IsOk());
  const auto taken = intake_.TakeNews({Alert("a"), Alert("b")});
  ASSERT_THAT(taken, IsOk());
  EXPECT_THAT(*taken, ElementsAre(1u));
  ASSERT_EQ(Spooled().size(), 2u);
  EXPECT_EQ(TransitionOf(Spooled()[1])->fingerprint, "b");
  EXPECT_EQ(told_.size(), 2u);
  EXPECT_THAT(*intake_.TakeNews({Alert("a"), Alert("b")}), IsEmpty());
  EXPECT_EQ(Spooled().size(), 2u);
}

TEST_F(TransitionIntakeTest, ThePayloadIsMadeOfTheNews) {
  EXPECT_THAT(intake_.Take({Alert("b")}), IsOk());
  std::vector<size_t> asked;
  const auto payload_of = [&asked](std::span<const size_t> chosen) {
    asked.assign(chosen.begin(), chosen.end());
    return RawPayload{"am", Timestamp(), "kept"};
  };
  EXPECT_THAT(intake_.TakeNews({Alert("a"), Alert("b"), Alert("c")}, payload_of), IsOk());
  EXPECT_THAT(asked, ElementsAre(0u, 2u));
  EXPECT_EQ(std::get<RawPayload>(Spooled().back()).body, "kept");
  asked.clear();
  EXPECT_THAT(intake_.TakeNews({Alert("a")}, payload_of), IsOk());
  EXPECT_THAT(asked, IsEmpty());
}

// Else a sender would be answered that all is well, and the alert be nowhere.
TEST_F(TransitionIntakeTest, WhatWasRefusedIsStillNews) {
  EXPECT_THAT(intake_.Take({Alert("big", 16'000)}), IsOk());
  std::vector<TransitionEvent> more;
  for (int i = 0; i < 6; ++i) more.push_back(Alert("a" + std::to_string(i), 16'000));
  EXPECT_THAT(intake_.TakeNews(more), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(spool_.Acknowledge(LogPosition(1)), IsOk());
  EXPECT_THAT(spool_.DropBefore(LogPosition(2)), IsOk());
  const auto taken = intake_.TakeNews(more);
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ(taken->size(), 6u);
}

}  // namespace
}  // namespace alertjoin
