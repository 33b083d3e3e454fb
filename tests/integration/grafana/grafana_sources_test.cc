#include "ingest-service/grafana/grafana_sources.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <string>

#include "common/time/clock.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/http_peer.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience(30);

// A Grafana with one data source, "g/hub", which has one series for whatever it is asked.
std::string AnswerOf(const HttpPeer::Request& request) {
  if (request.target == "/api/datasources") {
    return HttpPeer::Answer(200,
                            R"([{"uid":"hub","name":"hub","type":"prometheus","access":"proxy"}])");
  }
  if (!request.target.ends_with("/api/v1/query")) return HttpPeer::Answer(404, "{}");
  return HttpPeer::Answer(200, R"({"status":"success","data":{"resultType":"vector","result":[)"
                               R"({"metric":{"x":"y"},"value":[1,"2"]}]}})");
}

TransitionEvent BoundTo(std::initializer_list<const char*> sources) {
  TransitionEvent transition;
  transition.source = "alertmanager";
  transition.fingerprint = "a";
  transition.starts_at = SystemClock().Now();
  for (const char* const source : sources) {
    Binding binding;
    binding.query = {source, "load", "load > 1", TimeKind::kEvaluation};
    transition.bindings.emplace_back(std::move(binding));
  }
  return transition;
}

// Stands for the sources that are configured by themselves.
class OtherSources final : public TransitionListener {
 public:
  explicit OtherSources(std::function<void()> when_told) : when_told_(std::move(when_told)) {}
  void OnTransitions(std::span<const TransitionEvent>) override { when_told_(); }

 private:
  const std::function<void()> when_told_;
};

// The data source is found while a transition, which is also bound to another source, is on its
// way to the sources.
TEST(GrafanaSources, ATransitionIsHeldForADataSourceThatIsFoundWhileItIsHandedOut) {
  HttpPeer peer(AnswerOf);
  GrafanaOptions grafana;
  grafana.name = "g";
  grafana.url = peer.url();
  CollectingSink sink;
  RuleCatalog catalog;
  prometheus::Registry registry;
  std::promise<void> found;
  GrafanaSources* started = nullptr;
  OtherSources others([&] {
    started->Start();
    ASSERT_EQ(found.get_future().wait_for(kPatience), std::future_status::ready);
  });
  bool told = false;
  GrafanaSources sources({grafana}, others, sink, catalog, registry, SystemClock(),
                         [&](const std::vector<MetricsSourceOptions>& all) {
                           if (!all.empty() && !std::exchange(told, true)) found.set_value();
                         });
  started = &sources;
  sources.OnTransitions(std::array{BoundTo({"g/hub", "other"})});
  EXPECT_TRUE(sink.WaitUntil([&] { return !sink.SamplesOf("load").empty(); }));
}

// A Grafana whose data source fails at its old address, and answers at its new one.
class MovingDataSource {
 public:
  enum class At { kOldAddress, kNewAddress, kNowhere };

  HttpPeer::Handler Handler() {
    return [this](const HttpPeer::Request& request) { return Answer(request); };
  }
  void Move(At at) { at_ = at; }
  bool WaitUntilAsked() {
    return asked_.get_future().wait_for(kPatience) == std::future_status::ready;
  }

 private:
  std::string Answer(const HttpPeer::Request& request) {
    const char* const uid = at_ == At::kOldAddress ? "old" : "new";
    if (request.target == "/api/datasources") {
      const std::string entry =
          fmt::format(R"({{"uid":"{}","name":"hub","type":"prometheus","access":"proxy"}})", uid);
      return HttpPeer::Answer(200, at_ == At::kNowhere ? "[]" : "[" + entry + "]");
    }
    if (request.target != "/api/datasources/proxy/uid/old/api/v1/query") return AnswerOf(request);
    if (!told_.exchange(true)) asked_.set_value();
    return HttpPeer::Answer(502, "Bad Gateway");
  }

  std::atomic<At> at_ = At::kOldAddress;
  std::atomic<bool> told_ = false;
  std::promise<void> asked_;
};

class GrafanaSourcesTest : public testing::Test {
 protected:
  GrafanaSourcesTest() {
    sources_.Start();
    EXPECT_EQ(found_.get_future().wait_for(kPatience), std::future_status::ready);
    sources_.OnTransitions(std::array{BoundTo({"g/hub"})});
    EXPECT_TRUE(data_source_.WaitUntilAsked());
  }

  std::vector<GrafanaOptions> Options() const {
    GrafanaOptions grafana;
    grafana.name = "g";
    grafana.url = peer_.url();
    grafana.interval = std::chrono::milliseconds(50);
    return {grafana};
  }
  std::vector<Gap> Gaps() const {
    std::vector<Gap> gaps;
    for (const Event& event : sink_.Events()) {
      if (const auto* gap = std::get_if<Gap>(&event)) gaps.push_back(*gap);
    }
    return gaps;
  }

  MovingDataSource data_source_;
  HttpPeer peer_{data_source_.Handler()};
  CollectingSink sink_;
  RuleCatalog catalog_;
  prometheus::Registry registry_;
  std::promise<void> found_;
  std::once_flag told_;
  OtherSources others_{[] {}};
  GrafanaSources sources_{Options(),
                          others_,
                          sink_,
                          catalog_,
                          registry_,
                          SystemClock(),
                          [this](const std::vector<MetricsSourceOptions>& all) {
                            if (!all.empty()) std::call_once(told_, [this] { found_.set_value(); });
                          }};
};

TEST_F(GrafanaSourcesTest, WhatADataSourceHasNotAnsweredIsAskedAtItsNewAddress) {
  data_source_.Move(MovingDataSource::At::kNewAddress);
  EXPECT_TRUE(sink_.WaitUntil([&] { return !sink_.SamplesOf("load").empty(); }));
  EXPECT_TRUE(Gaps().empty());
}

// As by a new configuration.
TEST_F(GrafanaSourcesTest, OthersAskWhatWasNotAnsweredOrTellAGap) {
  const GrafanaSources::Sources stopped = sources_.Stop(LearningSource::Rules::kKept);
  data_source_.Move(MovingDataSource::At::kNewAddress);
  GrafanaSources next(Options(), others_, sink_, catalog_, registry_, SystemClock(),
                      [](const auto&) {});
  next.TakeOver(stopped);  // It has none so far.
  EXPECT_EQ(Gaps().size(), 1u);
  next.Start();
  ASSERT_TRUE(next.WaitUntilLooked(SystemClock().SteadyNow() + kPatience));
  EXPECT_TRUE(sink_.SamplesOf("load").empty());
  next.TakeOver(stopped);
  EXPECT_TRUE(sink_.WaitUntil([&] { return !sink_.SamplesOf("load").empty(); }));
  EXPECT_EQ(Gaps().size(), 1u);
}

TEST_F(GrafanaSourcesTest, OfWhatADataSourceThatIsGoneHasNotAnsweredAGapIsTold) {
  data_source_.Move(MovingDataSource::At::kNowhere);
  ASSERT_TRUE(sink_.WaitUntil([&] { return !Gaps().empty(); }));
  const Gap gap = Gaps().front();
  EXPECT_EQ(gap.query->name, "load");
  EXPECT_EQ(gap.from, gap.through);
  EXPECT_EQ(gap.reason, "no exact query at the time of a transition: the data source is gone");
}

}  // namespace
}  // namespace alertjoin
