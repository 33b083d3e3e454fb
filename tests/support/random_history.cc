#include "tests/support/random_history.h"

#include "tests/support/join_events.h"

namespace alertjoin {
namespace {

constexpr int64_t kSeries = 8;

SeriesTable AllSeries() {
  SeriesTable all;
  for (const char* const query : {"p", "q"}) {
    for (const char* const i : {"0", "1"}) {
      for (const char* const x : {"0", "1"}) {
        all.push_back(Samples(query, {{"i", i}, {"x", x}}, {}).series[0]);
      }
    }
  }
  return all;
}

}  // namespace

RandomHistory::RandomHistory(uint64_t seed) : random_(seed), stream_(AllSeries()) {}

std::vector<Event> RandomHistory::Make(bool with_ties) {
  std::vector<Event> events;
  const int64_t count = Upto(40);
  for (int64_t i = 0; i < count; ++i) {
    events.push_back(MakeEvent(with_ties));
    if (Upto(5) == 0) events.push_back(events[static_cast<size_t>(Upto(i))]);
  }
  return events;
}

Event RandomHistory::MakeEvent(bool with_ties) {
  switch (Upto(4)) {
    case 0:
      if (Upto(3) == 0) return MakeError();
      return Upto(4) == 0 ? MakeGap() : MakeProgress();
    case 1:
    case 2:
      return MakeTransition();
    default:
      return MakeSamples(with_ties);
  }
}

Event RandomHistory::MakeProgress() {
  const int64_t from = Upto(80);
  return Covered(QueryName(), from, from + Upto(60));
}

Event RandomHistory::MakeGap() {
  const Timestamp from = At(Upto(80));
  return Gap{"prom", QueryNamed(QueryName()), from, from + Millis(Upto(20)), "dropped", true};
}

Event RandomHistory::MakeError() {
  return Refused(QueryName(), Upto(5), std::string(static_cast<size_t>(Upto(2)), 'e'));
}

Event RandomHistory::MakeSamples(bool with_ties) {
  const auto series = static_cast<uint32_t>(Upto(kSeries - 1));
  const bool of_stream = Upto(3) != 0;
  SampleBatch batch;
  if (of_stream) {
    batch.series = stream_;
  } else {
    batch.series.push_back(stream_[series]);
  }
  const int64_t count = Upto(3);
  for (int64_t i = 0; i <= count; ++i) {
    const int64_t time = Upto(90);
    const int64_t value = with_ties ? Upto(3) : time % 4;
    // Neighbours in a stream are often together.
    batch.series_index.push_back(of_stream ? series ^ static_cast<uint32_t>(Upto(1)) : 0);
    batch.times.push_back(At(time));
    batch.values.push_back(value == 3 ? StaleMarker() : static_cast<double>(value));
  }
  return batch;
}

Event RandomHistory::MakeTransition() {
  const LabelSet labels{{"a", std::to_string(Upto(1))}, {"i", std::to_string(Upto(1))}};
  // The bindings vary in every way; those of one alert may contradict each other.
  std::vector<Binding> bindings;
  if (labels.Get("a") == "0") {
    bindings.push_back(BindAgreeing("p"));
    bindings.back().first_after = true;
    bindings.back().tolerance = Millis(10);
  }
  if (labels.Get("i") == "0") {
    bindings.push_back(BindOn("q", {"i"}));
    bindings.back().strict = labels.Get("a") == "0";
    bindings.back().tolerance = Millis(Upto(1) == 0 ? 20 : 30);
    if (Upto(2) == 0) bindings.clear();
  }
  const int64_t start = 5 * Upto(16);
  TransitionEvent event = Upto(1) == 0 ? FiringHeard(labels, start, start + Upto(20), bindings)
                                       : Resolved(labels, start, start + Upto(20), bindings);
  // One word for each rank, so that of equals it does not matter which was first.
  event.origin = Upto(1) == 0 ? Origin::kReconciliation : Origin::kAlertmanagerWebhook;
  if (event.origin == Origin::kAlertmanagerWebhook) event.annotations = {{"by", "webhook"}};
  // From the start itself to far beyond every tolerance and horizon.
  if (Upto(1) == 0) event.active_at = event.starts_at - Millis(Upto(Upto(3) == 0 ? 80 : 15));
  return event;
}

}  // namespace alertjoin
