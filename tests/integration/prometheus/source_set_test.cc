#include "ingest-service/rules/source_set.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "common/time/clock.h"
#include "ingest-service/rules/rule_catalog.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr std::chrono::seconds kPatience(30);

// A transition is told to a source whose address answers nothing.
class SourceSetTest : public testing::Test {
 protected:
  SourceSetTest() {
    Configure({At(wrong_)});
    TransitionEvent transition;
    transition.starts_at = SystemClock().Now();
    Binding binding;
    binding.query = {"p", "load", "load > 1", TimeKind::kEvaluation};
    transition.bindings.emplace_back(std::move(binding));
    set_.OnTransitions(std::array{transition});
    EXPECT_EQ(asked_.get_future().wait_for(kPatience), std::future_status::ready);
  }

  static MetricsSourceOptions At(const HttpPeer& peer) {
    MetricsSourceOptions options;
    options.name = "p";
    options.url = peer.url();
    return options;
  }
  void Configure(const std::vector<MetricsSourceOptions>& options) {
    auto next = set_.Prepare(options);
    ASSERT_THAT(next, IsOk());
    set_.Commit(*std::move(next));
  }
  std::vector<Gap> Gaps() const {
    std::vector<Gap> gaps;
    for (const Event& event : sink_.Events()) {
      if (const auto* gap = std::get_if<Gap>(&event)) gaps.push_back(*gap);
    }
    return gaps;
  }

  std::promise<void> asked_;
  std::atomic<bool> told_ = false;
  HttpPeer wrong_{[this](const HttpPeer::Request& request) {
    if (request.target == "/api/v1/query" && !told_.exchange(true)) asked_.set_value();
    return HttpPeer::Answer(502, "Bad Gateway");
  }};
  HttpPeer right_{[](const HttpPeer::Request& request) {
    if (request.target != "/api/v1/query") return HttpPeer::Answer(404, "{}");
    return HttpPeer::Answer(200, R"({"status":"success","data":{"resultType":"vector","result":[)"
                                 R"({"metric":{"x":"y"},"value":[1,"2"]}]}})");
  }};
  CollectingSink sink_;
  RuleCatalog catalog_;
  prometheus::Registry registry_;
  SourceSet set_{{"ingest", sink_, catalog_, registry_, SystemClock()}};
};

TEST_F(SourceSetTest, WhatASourceHasNotAnsweredIsAskedAtItsNewAddress) {
  Configure({At(right_)});
  EXPECT_TRUE(sink_.WaitUntil([&] { return !sink_.SamplesOf("load").empty(); }));
  EXPECT_TRUE(Gaps().empty());
}

TEST_F(SourceSetTest, OfWhatASourceThatIsGoneHasNotAnsweredAGapIsTold) {
  Configure({});
  ASSERT_EQ(Gaps().size(), 1u);
  EXPECT_EQ(Gaps()[0].query->name, "load");
  EXPECT_EQ(Gaps()[0].reason,
            "no exact query at the time of a transition: the metrics source is gone");
}

}  // namespace
}  // namespace alertjoin
