#include "ingest-service/grafana/grafana_sources.h"

#include <gtest/gtest.h>

#include <future>
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

}  // namespace
}  // namespace alertjoin
