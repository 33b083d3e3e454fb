#include "ingest-service/intake/recent_transitions.h"

#include <gtest/gtest.h>

#include <string>

namespace alertjoin {
namespace {

using namespace std::chrono_literals;

Timestamp At(int64_t seconds) { return Timestamp::FromMillis(seconds * 1000); }

TransitionEvent Firing(int64_t starts_at, int64_t received, const std::string& fingerprint = "f") {
  TransitionEvent event;
  event.source = "am";
  event.fingerprint = fingerprint;
  event.starts_at = At(starts_at);
  event.received_time = At(received);
  return event;
}

TransitionEvent Resolved(int64_t starts_at, int64_t ends_at) {
  TransitionEvent event = Firing(starts_at, ends_at + 1);
  event.state = AlertState::kResolved;
  event.ends_at = At(ends_at);
  return event;
}

class RecentTransitionsTest : public ::testing::Test {
 protected:
  void Remember(const TransitionEvent& event) { recent_.Remember({&event, 1}); }
  bool Knows(const TransitionEvent& event) { return recent_.Knows(event); }

  RecentTransitions recent_{3};
};

TEST_F(RecentTransitionsTest, KnowsWhatItRemembers) {
  EXPECT_FALSE(Knows(Firing(10, 11)));
  Remember(Firing(10, 11));
  EXPECT_TRUE(Knows(Firing(10, 70)));
  EXPECT_FALSE(Knows(Resolved(10, 70)));
  EXPECT_FALSE(Knows(Firing(9, 70)));
  EXPECT_FALSE(Knows(Firing(10, 11, "g")));
  TransitionEvent other_source = Firing(10, 70);
  other_source.source = "other";
  EXPECT_FALSE(Knows(other_source));
}

TEST_F(RecentTransitionsTest, OnlyALaterEndIsNews) {
  Remember(Resolved(10, 70));
  EXPECT_TRUE(Knows(Resolved(10, 70)));
  EXPECT_TRUE(Knows(Resolved(10, 69)));
  EXPECT_FALSE(Knows(Resolved(10, 71)));
  EXPECT_FALSE(Knows(Firing(10, 75)));
  Remember(Resolved(10, 60));
  EXPECT_TRUE(Knows(Resolved(10, 70)));
}

// Rules may be learnt after the first notification.
TEST_F(RecentTransitionsTest, AnotherBindingIsNews) {
  Remember(Firing(10, 11));
  TransitionEvent bound = Firing(10, 70);
  Binding binding;
  binding.query = {"prom", "up", "up", TimeKind::kSample};
  bound.bindings.emplace_back(binding);
  EXPECT_FALSE(Knows(bound));
  Remember(bound);
  EXPECT_TRUE(Knows(bound));
  binding.threshold = 1;
  bound.bindings[0] = binding;
  EXPECT_FALSE(Knows(bound));
}

// The rows are to show what was sent.
TEST_F(RecentTransitionsTest, WhatIsSentIsNewsWhenItWasOnlyFound) {
  for (const auto& event : {Firing(10, 11), Resolved(10, 70)}) {
    TransitionEvent found = event;
    found.origin = Origin::kReconciliation;
    Remember(found);
    EXPECT_TRUE(Knows(found));
    EXPECT_FALSE(Knows(event));
    Remember(event);
    EXPECT_TRUE(Knows(event));
    EXPECT_TRUE(Knows(found));
    Remember(found);
    EXPECT_TRUE(Knows(event));
  }
}

// Two Prometheus servers of one pair give one alert two starts. That the first still fires later
// than the second start makes them one episode.
TEST_F(RecentTransitionsTest, StillFiringAfterAnotherStartIsNewsOnce) {
  Remember(Firing(10, 11));
  Remember(Firing(17, 18));
  EXPECT_TRUE(Knows(Firing(17, 78)));
  EXPECT_FALSE(Knows(Firing(10, 71)));
  Remember(Firing(10, 71));
  EXPECT_TRUE(Knows(Firing(10, 131)));
}

TEST_F(RecentTransitionsTest, OfAnEndedEpisodeItIsNot) {
  Remember(Firing(10, 11));
  Remember(Resolved(10, 15));
  Remember(Firing(17, 18));
  EXPECT_TRUE(Knows(Firing(10, 71)));
}

TEST_F(RecentTransitionsTest, StillFiringIsNewsAfterTheRepeatInterval) {
  Remember(Firing(0, 10));
  const int64_t later = 10 + 4 * 3600;
  EXPECT_TRUE(Knows(Firing(0, later - 1)));
  EXPECT_FALSE(Knows(Firing(0, later)));
  Remember(Firing(0, later));
  EXPECT_TRUE(Knows(Firing(0, later + 60)));
}

TEST_F(RecentTransitionsTest, WhatHasNoStartIsOfTheEpisodeThatFires) {
  EXPECT_EQ(recent_.StartOf(Firing(0, 9)), std::nullopt);
  Remember(Firing(10, 11));
  EXPECT_EQ(recent_.StartOf(Firing(0, 12)), At(10));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 15)), At(10));
  Remember(Resolved(10, 15));
  EXPECT_EQ(recent_.StartOf(Firing(0, 16)), std::nullopt);
  Remember(Firing(20, 21));
  EXPECT_EQ(recent_.StartOf(Firing(0, 22)), At(20));
  EXPECT_EQ(recent_.StartOf(Firing(0, 22, "other")), std::nullopt);
}

// It was an episode of no length at its end once.
TEST_F(RecentTransitionsTest, AnEndWithoutStartThatIsToldAgainIsOfTheSameEpisode) {
  Remember(Firing(10, 11));
  Remember(Resolved(10, 15));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 15)), At(10));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 16)), std::nullopt);  // Another, whose start was not heard.
}

// Which of the episodes an end is of that comes late, or again.
TEST_F(RecentTransitionsTest, AnEndWithoutStartIsOfNothingThatBeganLater) {
  Remember(Firing(10, 11));
  Remember(Resolved(10, 15));
  Remember(Firing(20, 21));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 15)), At(10));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 16)), std::nullopt);
  EXPECT_EQ(recent_.StartOf(Resolved(0, 20)), At(20));
  Remember(Resolved(20, 25));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 12)), At(10));
  EXPECT_EQ(recent_.StartOf(Resolved(0, 16)), std::nullopt);
  EXPECT_EQ(recent_.StartOf(Resolved(0, 9)), std::nullopt);
  EXPECT_EQ(recent_.StartOf(Resolved(0, 25)), At(20));
}

TEST_F(RecentTransitionsTest, ForgetsTheAlertThatNobodySpokeOfForLongest) {
  for (const char* alert : {"a", "b", "c"}) Remember(Firing(10, 11, alert));
  EXPECT_TRUE(Knows(Firing(10, 12, "a")));
  Remember(Firing(10, 11, "d"));
  EXPECT_FALSE(Knows(Firing(10, 12, "b")));
  for (const char* alert : {"a", "c", "d"}) EXPECT_TRUE(Knows(Firing(10, 12, alert))) << alert;
}

TEST_F(RecentTransitionsTest, ForgetsTheOldestStartsOfAnAlert) {
  constexpr int kStarts = RecentTransitions::kEpisodesMax + 1;
  for (int i = 0; i < kStarts; ++i) Remember(Resolved(i * 10, i * 10 + 5));
  EXPECT_FALSE(Knows(Resolved(0, 5)));
  for (int i = 1; i < kStarts; ++i) EXPECT_TRUE(Knows(Resolved(i * 10, i * 10 + 5))) << i;
}

}  // namespace
}  // namespace alertjoin
