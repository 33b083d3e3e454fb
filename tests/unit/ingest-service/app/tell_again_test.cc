#include "ingest-service/app/tell_again.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/eventlog/memory_event_log.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using ::testing::ElementsAre;

class Recorder final : public TransitionListener {
 public:
  void OnTransitions(std::span<const TransitionEvent> transitions) override {
    for (const TransitionEvent& transition : transitions) told.push_back(transition.fingerprint);
  }
  std::vector<std::string> told;
};

Event AlertAt(int64_t ms, const std::string& fingerprint) {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = fingerprint;
  event.received_time = Timestamp::FromMillis(ms);
  return event;
}

TEST(TellAgain, TellsOfTransitionsWhoseQueriesAreNotGivenUpInOrder) {
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20);
  constexpr int64_t kNowMs = 1'000'000'000;
  constexpr int64_t kHourMs = 3'600'000;
  const std::vector<Event> events{AlertAt(kNowMs - 6 * kHourMs - 1, "old"),
                                  AlertAt(kNowMs - 6 * kHourMs, "a"),
                                  RawPayload{"am", Timestamp::FromMillis(kNowMs), "{}"},
                                  AlertAt(kNowMs - 2 * kHourMs, "b"), AlertAt(kNowMs, "c")};
  ASSERT_THAT(spool.Append(events), IsOk());
  Recorder recorder;
  ASSERT_THAT(TellAgain(spool, Timestamp::FromMillis(kNowMs), recorder), IsOk());
  EXPECT_THAT(recorder.told, ElementsAre("a", "b", "c"));
}

TEST(TellAgain, AnEmptySpoolHasNothingToTell) {
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20);
  Recorder recorder;
  EXPECT_THAT(TellAgain(spool, Timestamp::FromMillis(0), recorder), IsOk());
  EXPECT_THAT(recorder.told, ElementsAre());
}

}  // namespace
}  // namespace alertjoin
