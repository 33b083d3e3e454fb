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

}  // namespace
}  // namespace alertjoin
