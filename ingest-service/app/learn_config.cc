#include "ingest-service/app/learn_config.h"

#include <string>

namespace alertjoin {
namespace {

constexpr Millis kLearnSpanMost = std::chrono::hours(24);
constexpr int64_t kQueriesMost = 10'000;

}  // namespace

LearnOptions ReadLearn(YamlNode node) {
  LearnOptions learn;
  YamlNode poll = node.Child("poll");
  const std::string when = poll.String("around_alerts");
  if (when == "always") {
    learn.poll = LearnOptions::Poll::kAlways;
  } else if (when == "transitions") {
    learn.poll = LearnOptions::Poll::kTransitions;
  } else if (when != "around_alerts") {
    poll.Fault("must be always, around_alerts or transitions");
  }
  learn.refresh = node.Child("refresh").Duration(learn.refresh, Millis(1000), kLearnSpanMost);
  learn.around = node.Child("around").Duration(learn.around, Millis(0), kLearnSpanMost);
  learn.interval = node.Child("interval").Duration(learn.interval, Millis(100), kLearnSpanMost);
  learn.queries_max = static_cast<size_t>(
      node.Child("queries_max").Int(static_cast<int64_t>(learn.queries_max), 0, kQueriesMost));
  node.Finish();
  return learn;
}

}  // namespace alertjoin
