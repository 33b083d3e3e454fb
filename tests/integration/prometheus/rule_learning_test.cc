#include "ingest-service/rules/rule_learning.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "ingest-service/rules/learning_source.h"
#include "tests/integration/prometheus/collecting_sink.h"
#include "tests/integration/prometheus/http_peer.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

constexpr int kRules = 1000;
constexpr int kPendingRule = 500;

// A server with many rules, of which one has a pending alert. Counts what it is asked.
class RuleLearningTest : public ::testing::Test {
 protected:
  RuleLearningTest() {
    source_.name = "p";
    source_.url = peer_.url();
    source_.settle_delay = Millis(0);
    source_.learn.refresh = std::chrono::seconds(1);
    source_.learn.interval = Millis(100);
  }

  std::string Answer(const HttpPeer::Request& request) {
    if (request.target.starts_with("/api/v1/rules")) return HttpPeer::Answer(200, Rules());
    {
      MutexLock lock(mutex_);
      const size_t begin = request.body.find("query=") + 6;
      asked_.insert(request.body.substr(begin, request.body.find('&', begin) - begin));
    }
    return HttpPeer::Answer(200,
                            R"({"status":"success","data":{"resultType":"matrix","result":[]}})");
  }

  static std::string Rules() {
    std::string rules;
    for (int i = 0; i < kRules; ++i) {
      if (i > 0) rules += ",";
      const char* const alerts =
          i == kPendingRule ? R"([{"labels":{"alertname":"A500"},"state":"pending"}])" : "[]";
      rules += fmt::format(
          R"({{"type":"alerting","name":"A{}","query":"sum(m{}) > 5","alerts":{}}})", i, i, alerts);
    }
    return R"({"status":"success","data":{"groups":[{"name":"g","rules":[)" + rules + "]}]}}";
  }

  std::set<std::string> asked() {
    MutexLock lock(mutex_);
    return asked_;
  }

  double Polled() {
    for (const auto& family : registry_.Collect()) {
      if (family.name == "alertjoin_learnt_queries_polled") return family.metric[0].gauge.value;
    }
    return -1;
  }

  Mutex mutex_;
  std::set<std::string> asked_ GUARDED_BY(mutex_);
  HttpPeer peer_{[this](const HttpPeer::Request& request) { return Answer(request); }};
  MetricsSourceOptions source_;
  prometheus::Registry registry_;
  CollectingSink sink_;
  RuleCatalog catalog_;
};

bool Within30Seconds(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(RuleLearningTest, OfManyRulesOnlyThoseWithAnAlertArePolled) {
  MetricsSourcesOptions options;
  options.sources = {source_};
  LearningSource learning(options, sink_, catalog_, registry_, SystemClock());
  ASSERT_THAT(learning.Start(), IsOk());
  ASSERT_TRUE(Within30Seconds([this] { return !asked().empty(); }));
  ASSERT_TRUE(Within30Seconds([this] { return catalog_.RulesOf("p") != nullptr; }));
  EXPECT_EQ(catalog_.RulesOf("p")->rules.size(), size_t{kRules});
  const auto refreshed = catalog_.RulesOf("p");
  ASSERT_TRUE(Within30Seconds([&] { return catalog_.RulesOf("p") != refreshed; }));
  EXPECT_THAT(asked(), ::testing::ElementsAre("sum%28m500%29"));

  // Another rule's alert has just been notified of.
  TransitionEvent event;
  event.starts_at = SystemClock().Now();
  event.labels = LabelSet{{"alertname", "A7"}};
  Binding binding;
  binding.query = LearntQuery("p", "sum(m7)");
  binding.matching = Matching::kAgreement;
  event.bindings.emplace_back(std::move(binding));
  EXPECT_EQ(Polled(), 1);
  learning.OnTransitions({&event, 1});
  ASSERT_TRUE(Within30Seconds([this] { return Polled() == 2; }));
  ASSERT_TRUE(Within30Seconds([this] { return asked().contains("sum%28m7%29"); }));
  EXPECT_THAT(asked(), ::testing::SizeIs(2));
  learning.Stop();
  EXPECT_EQ(catalog_.RulesOf("p"), nullptr);
}

}  // namespace
}  // namespace alertjoin
