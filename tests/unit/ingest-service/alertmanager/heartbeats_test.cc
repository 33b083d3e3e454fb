#include "ingest-service/alertmanager/heartbeats.h"

#include <gmock/gmock.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <vector>

#include "common/status/status.h"
#include "ingest-service/alertmanager/heartbeat_config.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TransitionEvent Alert(const std::string& name, AlertState state = AlertState::kFiring) {
  TransitionEvent alert;
  alert.labels = LabelSet{{"alertname", name}};
  alert.state = state;
  return alert;
}

class HeartbeatsTest : public testing::Test {
 protected:
  Heartbeats& Watch(const Heartbeats::Options& options) {
    heartbeats_.Watch(options);
    return heartbeats_;
  }

  // The values of a gauge by source.
  std::map<std::string, double> Gauge(const std::string& name) const {
    std::map<std::string, double> values;
    for (const auto& family : registry_.Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) values[metric.label[0].value] = metric.gauge.value;
    }
    return values;
  }
  std::map<std::string, double> Last() const {
    return Gauge("alertjoin_heartbeat_timestamp_seconds");
  }
  std::map<std::string, double> MaxAge() const {
    return Gauge("alertjoin_heartbeat_max_age_seconds");
  }

  ManualClock clock_{Timestamp::FromMillis(1'000'000)};
  prometheus::Registry registry_;
  Heartbeats heartbeats_{clock_, registry_};
};

TEST_F(HeartbeatsTest, NothingIsSaidBeforeTheFirst) {
  Heartbeats& heartbeats = Watch({{"am", {}}});
  EXPECT_THAT(Last(), IsEmpty());
  clock_.Advance(Millis(500));
  heartbeats.Beat("am");
  EXPECT_THAT(Last(), ElementsAre(Pair("am", 1000.5)));
  EXPECT_THAT(MaxAge(), IsEmpty());
}

// Alertmanager's default is to send again after 4 hours: that is no reason to call anybody, even
// where something else of the group has changed in between.
TEST_F(HeartbeatsTest, OneThatIsNotExpectedMayBeTwiceAsOldAsItsLongestPauseOfLate) {
  Heartbeats& heartbeats = Watch({{"am", {}}});
  const auto beat_after = [&](Millis pause, size_t times = 1) {
    for (size_t i = 0; i < times; ++i) {
      clock_.Advance(pause);
      heartbeats.Beat("am");
    }
  };
  heartbeats.Beat("am");
  beat_after(std::chrono::minutes(1), Heartbeats::kPauses - 2);
  beat_after(std::chrono::hours(4));
  EXPECT_THAT(MaxAge(), IsEmpty());
  beat_after(std::chrono::minutes(1));
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("am", 8 * 3600)));
  beat_after(std::chrono::minutes(1), Heartbeats::kPauses - 2);
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("am", 8 * 3600)));
  beat_after(std::chrono::minutes(1));
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("am", 900)));
}

TEST_F(HeartbeatsTest, AnExpectedOneIsMissedFromTheStartOn) {
  HeartbeatOptions expected;
  expected.expected = true;
  expected.max_age = std::chrono::minutes(1);
  Watch({{"am", expected}, {"grafana", {}}});
  EXPECT_THAT(Last(), ElementsAre(Pair("am", 1000)));
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("am", 60)));
}

TEST_F(HeartbeatsTest, IsAFiringAlertThatMatches) {
  const Heartbeats& heartbeats = Watch({{"am", {}}});
  const std::vector<TransitionEvent> among = {Alert("Other"), Alert("Watchdog")};
  EXPECT_TRUE(heartbeats.IsAmong("am", among));
  const std::vector<TransitionEvent> others = {Alert("Other"),
                                               Alert("Watchdog", AlertState::kResolved)};
  EXPECT_FALSE(heartbeats.IsAmong("am", others));
  EXPECT_FALSE(heartbeats.IsAmong("am", {}));
}

TEST_F(HeartbeatsTest, AreOffForThoseThatHaveNone) {
  HeartbeatOptions off;
  off.enabled = false;
  off.expected = true;
  const Heartbeats& heartbeats = Watch({{"off", off}});
  EXPECT_THAT(Last(), IsEmpty());
  const std::vector<TransitionEvent> alerts = {Alert("Watchdog")};
  EXPECT_FALSE(heartbeats.IsAmong("off", alerts));
  EXPECT_FALSE(heartbeats.IsAmong("unknown", alerts));
}

TEST_F(HeartbeatsTest, AnotherConfigurationKeepsWhatIsKnown) {
  Heartbeats& heartbeats = Watch({{"a", {}}, {"b", {}}});
  heartbeats.Beat("a");
  heartbeats.Beat("b");
  clock_.Advance(Millis(60'000));
  HeartbeatOptions other;
  other.expected = true;
  other.max_age = std::chrono::minutes(1);
  Watch({{"a", other}});
  EXPECT_THAT(Last(), ElementsAre(Pair("a", 1000)));
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("a", 60)));
  for (size_t i = 0; i < Heartbeats::kPauses; ++i) heartbeats.Beat("a");
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("a", 60)));
  Watch({{"a", {}}});  // What was learnt meanwhile counts.
  EXPECT_THAT(MaxAge(), ElementsAre(Pair("a", 900)));
  heartbeats.Beat("b");
  EXPECT_THAT(Last(), ElementsAre(Pair("a", 1060)));
}

TEST_F(HeartbeatsTest, OneThatIsNoLongerExpectedAndNeverCameIsForgotten) {
  HeartbeatOptions expected;
  expected.expected = true;
  Watch({{"never", expected}, {"once", expected}}).Beat("once");
  Watch({{"never", {}}, {"once", {}}});
  EXPECT_THAT(Last(), ElementsAre(Pair("once", 1000)));
  EXPECT_THAT(MaxAge(), IsEmpty());
}

absl::StatusOr<HeartbeatOptions> Read(const std::string& text) {
  YamlDocument document(text, "ingest.yml");
  YamlNode root = document.root();
  HeartbeatOptions options = ReadHeartbeat(root.Child("heartbeat"));
  root.Finish();
  if (!document.status().ok()) return document.status();
  return options;
}

TEST(HeartbeatConfig, AbsentIsTheDefaultThatIsNotExpected) {
  const auto options = Read("{}");
  ASSERT_THAT(options, IsOk());
  EXPECT_TRUE(options->enabled);
  EXPECT_FALSE(options->expected);
  EXPECT_EQ(options->matchers, DefaultHeartbeatMatchers());
}

TEST(HeartbeatConfig, ReadsEveryKey) {
  const auto options = Read("heartbeat: {match: 'alertname=Alive,dc=a', max_age: 5m}");
  ASSERT_THAT(options, IsOk());
  EXPECT_TRUE(options->expected);
  EXPECT_EQ(options->matchers.ToString(), R"({alertname="Alive",dc="a"})");
  EXPECT_EQ(options->max_age, std::chrono::minutes(5));
  const auto off = Read("heartbeat: {enabled: false}");
  ASSERT_THAT(off, IsOk());
  EXPECT_FALSE(off->enabled);
}

TEST(HeartbeatConfig, FaultsSayWhere) {
  const std::map<std::string, std::string> faults = {
      {"heartbeat: {match: '{}'}", "every alert would be a heartbeat"},
      {"heartbeat: {match: 'a=~\"(\"'}", "ingest.yml:1:20"},
      {"heartbeat: {max_age: 0s}", "ingest.yml:1:22"},
      {"heartbeat: {maxage: 1m}", "maxage"}};
  for (const auto& [text, expected] : faults) {
    const auto options = Read(text);
    ASSERT_THAT(options, StatusIs(absl::StatusCode::kInvalidArgument)) << text;
    EXPECT_THAT(MessageOf(options.status()), HasSubstr(expected)) << text;
  }
}

}  // namespace
}  // namespace alertjoin
