#include "ingest-service/rules/learnt_polls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace alertjoin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Keeps what it was told last of each source.
class RecordingLearntSink final : public LearntQuerySink {
 public:
  void SetLearntQueries(const std::string& source, std::vector<std::string> expressions) override {
    polled[source] = std::move(expressions);
    ++told;
  }
  std::map<std::string, std::vector<std::string>> polled;
  size_t told = 0;
};

AlertingRule Rule(std::string expression, size_t alerts) {
  AlertingRule rule;
  rule.name = "A";
  rule.expression = std::move(expression);
  rule.alerts.resize(alerts);
  return rule;
}

class LearntPollsTest : public ::testing::Test {
 protected:
  LearntPollsTest() { source_.name = "p"; }

  LearntPolls& Polls() {
    if (polls_ == nullptr) {
      polls_ = std::make_unique<LearntPolls>(std::vector<MetricsSourceOptions>{source_},
                                             LearntPolls::Environment{sink_, clock_, registry_});
      polls_->SetWake([this] { ++woken_; });
    }
    return *polls_;
  }
  void Rules(std::vector<AlertingRule> rules) {
    RuleList list;
    list.rules = std::move(rules);
    Polls().OnRules("p", list);
    Polls().Step();
  }
  void Transition(AlertState state, const std::string& expression, Millis ago = Millis(0)) {
    TransitionEvent event;
    event.state = state;
    event.starts_at = clock_.Now() - ago;
    if (state == AlertState::kResolved) event.ends_at = event.starts_at;
    Binding binding;
    binding.query = LearntQuery("p", expression);
    event.bindings.emplace_back(std::move(binding));
    Polls().OnTransitions({&event, 1});
    Polls().Step();
  }
  std::vector<std::string> Polled() { return sink_.polled["p"]; }
  std::vector<std::string> PolledAfter(Millis span) {
    clock_.Advance(span);
    Polls().Step();
    return Polled();
  }
  double Value(const std::string& name) {
    for (const auto& family : registry_.Collect()) {
      if (family.name != name) continue;
      const auto& metric = family.metric.front();
      return metric.gauge.value + metric.counter.value;
    }
    return -1;
  }

  // Refreshed each minute, and polled for five minutes more.
  MetricsSourceOptions source_;
  ManualClock clock_{Timestamp::FromMillis(1'700'000'000'000)};
  prometheus::Registry registry_;
  RecordingLearntSink sink_;
  size_t woken_ = 0;
  std::unique_ptr<LearntPolls> polls_;
};

TEST_F(LearntPollsTest, PollsTheOperandsOfRulesWithAlertsAndAWhileAfter) {
  Rules({Rule("a > 5 and b < 3", 1), Rule("c > 1", 0)});
  EXPECT_THAT(Polled(), ElementsAre("a", "b"));
  EXPECT_EQ(Value("alertjoin_learnt_queries_polled"), 2);
  clock_.Advance(minutes(4));
  Rules({Rule("a > 5 and b < 3", 1), Rule("c > 1", 0)});
  clock_.Advance(minutes(4));
  Rules({Rule("a > 5 and b < 3", 0), Rule("c > 1", 1)});
  EXPECT_THAT(Polled(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(Polls().Step(), clock_.Now() + minutes(1));
  EXPECT_THAT(PolledAfter(minutes(1)), ElementsAre("c"));
  EXPECT_THAT(PolledAfter(minutes(4)), IsEmpty());
  EXPECT_EQ(Polls().Step(), Timestamp::Max());
}

TEST_F(LearntPollsTest, TellsTheSinkChangesOnly) {
  Rules({Rule("a > 5", 1)});
  Rules({Rule("a > 5", 1)});
  EXPECT_EQ(sink_.told, 1u);
}

TEST_F(LearntPollsTest, ATransitionBeginsPollsAtOnce) {
  Rules({Rule("a > 5", 0)});
  Transition(AlertState::kFiring, "a");
  EXPECT_EQ(woken_, 1u);
  EXPECT_THAT(Polled(), ElementsAre("a"));
  // The rules have no such alert any more, and nothing else is heard of it.
  EXPECT_THAT(PolledAfter(minutes(5)), IsEmpty());
}

TEST_F(LearntPollsTest, WithoutRulesAFiringAlertIsPolledUntilAWhileAfterItsEnd) {
  Transition(AlertState::kFiring, "a");
  EXPECT_THAT(PolledAfter(minutes(50)), ElementsAre("a"));
  clock_.Advance(minutes(9));
  Transition(AlertState::kResolved, "a");
  EXPECT_THAT(PolledAfter(minutes(4)), ElementsAre("a"));
  EXPECT_THAT(PolledAfter(minutes(1)), IsEmpty());
  Transition(AlertState::kFiring, "a");
  EXPECT_THAT(PolledAfter(hours(1)), IsEmpty());
}

TEST_F(LearntPollsTest, AnEndOfLongAgoBeginsNothing) {
  Transition(AlertState::kResolved, "a", minutes(5));
  EXPECT_THAT(Polled(), IsEmpty());
  EXPECT_EQ(woken_, 0u);
  Transition(AlertState::kResolved, "a", minutes(4));
  EXPECT_THAT(PolledAfter(seconds(59)), ElementsAre("a"));
  EXPECT_THAT(PolledAfter(seconds(1)), IsEmpty());
}

TEST_F(LearntPollsTest, ConfiguredQueriesAreNotPolledTwice) {
  source_.queries = {{"depth", " (a) ", seconds(15), {}, {}}};
  Rules({Rule("a > b", 1)});
  EXPECT_THAT(Polled(), ElementsAre("b"));
}

TEST_F(LearntPollsTest, OverTheLimitNoMoreArePolledWhichIsCounted) {
  source_.learn.queries_max = 2;
  Rules({Rule("a > 5", 1), Rule("b > 5", 1), Rule("c > 5", 1)});
  EXPECT_THAT(Polled(), ElementsAre("a", "b"));
  EXPECT_EQ(Value("alertjoin_learnt_queries_refused_total"), 1);
}

TEST_F(LearntPollsTest, AlwaysPollsEveryRuleAsLongAsItIsThere) {
  source_.learn.poll = LearnOptions::Poll::kAlways;
  Rules({Rule("a > 5", 0), Rule("b > 5", 0)});
  EXPECT_THAT(Polled(), ElementsAre("a", "b"));
  EXPECT_THAT(PolledAfter(hours(24)), ElementsAre("a", "b"));
  Rules({Rule("b > 6", 0)});
  EXPECT_THAT(Polled(), ElementsAre("b"));
}

TEST_F(LearntPollsTest, AtTransitionsOnlyNothingIsPolled) {
  source_.learn.poll = LearnOptions::Poll::kTransitions;
  Rules({Rule("a > 5", 1)});
  Transition(AlertState::kFiring, "a");
  EXPECT_EQ(sink_.told, 0u);
}

TEST_F(LearntPollsTest, OtherSourcesAndNamedQueriesAreNotItsBusiness) {
  RuleList list;
  list.rules = {Rule("a > 5", 1)};
  Polls().OnRules("q", list);
  TransitionEvent event;
  Binding binding;
  binding.query = {"p", "name", "a", TimeKind::kSample};
  event.bindings.emplace_back(binding);
  binding.query = LearntQuery("q", "a");
  event.bindings.emplace_back(binding);
  Polls().OnTransitions({&event, 1});
  Polls().Step();
  EXPECT_EQ(sink_.told, 0u);
}

}  // namespace
}  // namespace alertjoin
