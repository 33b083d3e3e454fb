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

TEST(TellAgain, TellsOfTransitionsThatAreRecentInOrder) {
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20);
  const std::vector<Event> events{AlertAt(5, "old"), AlertAt(10, "a"),
                                  RawPayload{"am", Timestamp::FromMillis(10), "{}"},
                                  AlertAt(20, "b")};
  ASSERT_THAT(spool.Append(events), IsOk());
  Recorder recorder;
  ASSERT_THAT(TellAgain(spool, Timestamp::FromMillis(10), recorder), IsOk());
  EXPECT_THAT(recorder.told, ElementsAre("a", "b"));
}

TEST(TellAgain, AnEmptySpoolHasNothingToTell) {
  MemoryEventLog log(1 << 20);
  Spool spool(log, 1 << 20);
  Recorder recorder;
  EXPECT_THAT(TellAgain(spool, Timestamp::Min(), recorder), IsOk());
  EXPECT_THAT(recorder.told, ElementsAre());
}

}  // namespace
}  // namespace alertjoin
