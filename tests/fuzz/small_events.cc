#include "tests/fuzz/small_events.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

namespace alertjoin {
namespace {

constexpr int64_t kTimesMax = 100;  // Of the events that are made.
constexpr Timestamp kTimeMax = Timestamp::FromMillis(1'000);
constexpr Millis kToleranceMax{100};

bool IsNear(Timestamp time) { return time >= Timestamp() && time <= kTimeMax; }

}  // namespace

Timestamp SmallEvents::Time() { return Timestamp::FromMillis(Upto(kTimesMax)); }

double SmallEvents::Value() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  return data_.PickValueInArray({1.0, 2.0, 3.0, 0.0, -0.0, kNan, -kNan, StaleMarker()});
}

Query SmallEvents::SomeQuery() {
  if (data_.ConsumeBool()) return {"prom", "p", "p", TimeKind::kSample};
  return {"prom", "q", "q", TimeKind::kEvaluation};
}

LabelSet SmallEvents::AlertLabels() {
  std::vector<LabelSet::Label> labels{{"a", std::to_string(Upto(1))}};
  if (Upto(3) > 0) labels.emplace_back("i", std::to_string(Upto(1)));
  if (Upto(3) == 0) labels.emplace_back("__name__", "ALERTS");
  return LabelSet(labels);
}

LabelSet SmallEvents::SeriesLabels() {
  std::vector<LabelSet::Label> labels;
  if (Upto(3) > 0) labels.emplace_back("i", std::to_string(Upto(1)));
  if (Upto(3) == 0) labels.emplace_back("x", data_.ConsumeBool() ? "1" : "");
  if (Upto(3) == 0) labels.emplace_back("a", data_.ConsumeBool() ? "1" : "");
  if (Upto(3) == 0) labels.emplace_back("__name__", "metric");
  return LabelSet(labels);
}

Binding SmallEvents::SomeBinding() {
  Binding binding;
  binding.query = SomeQuery();
  if (data_.ConsumeBool()) {
    binding.matching = Matching::kAgreement;
  } else {
    for (const char* name : {"a", "i", "x"}) {
      if (Upto(2) == 0) binding.on.push_back(name);
    }
  }
  binding.strict = data_.ConsumeBool();
  binding.first_after = data_.ConsumeBool();
  binding.tolerance = Millis(data_.PickValueInArray({0, 1, 10, 30}));
  binding.comparison_operator = data_.PickValueInArray({"", ">", "<="});
  if (Upto(3) == 0) binding.threshold = Value();
  return binding;
}

TransitionEvent SmallEvents::SomeTransition() {
  TransitionEvent event;
  event.source = Upto(7) == 0 ? "other" : "am";
  event.labels = AlertLabels();
  event.fingerprint = event.labels.FingerprintHex();
  event.state = data_.ConsumeBool() ? AlertState::kFiring : AlertState::kResolved;
  event.starts_at = Time();
  // Now and then it ends before it starts.
  if (event.state == AlertState::kResolved) {
    event.ends_at = Upto(15) == 0 ? Time() : event.starts_at + Millis(Upto(30));
  }
  event.received_time = event.starts_at + Millis(Upto(30));
  if (data_.ConsumeBool()) event.active_at = std::min(event.starts_at, Time());
  for (int64_t bindings = Upto(2); bindings > 0; --bindings) {
    event.bindings.push_back(SomeBinding());
  }
  return event;
}

SampleBatch SmallEvents::SomeSamples() {
  SampleBatch batch;
  const int64_t last_series = Upto(2);
  for (int64_t i = 0; i <= last_series; ++i) {
    batch.series.push_back(std::make_shared<const SeriesKey>(
        SeriesKey{std::make_shared<const Query>(SomeQuery()), SeriesLabels()}));
  }
  for (int64_t samples = Upto(5); samples > 0; --samples) {
    batch.series_index.push_back(static_cast<uint32_t>(Upto(last_series)));
    batch.times.push_back(Time());
    batch.values.push_back(Value());
  }
  batch.received_time = Time();
  return batch;
}

Event SmallEvents::Next() {
  switch (Upto(9)) {
    case 0:
    case 1: {
      const Timestamp from = Time();
      return QueryProgress{SomeQuery(), from, from + Millis(Upto(60))};
    }
    case 2: {
      const Timestamp from = Time();
      return Gap{"prom",    SomeQuery(),        from, from + Millis(Upto(30)),
                 "dropped", data_.ConsumeBool()};
    }
    case 3:
    case 4:
    case 5:
      return SomeSamples();
    case 6:
      return QueryError{SomeQuery(), Time(), data_.PickValueInArray({"", "a", "b"})};
    default:
      return SomeTransition();
  }
}

bool Bounds::AdmitQuery(const Query& query) {
  return time_kinds_.emplace(query, query.time_kind).first->second == query.time_kind;
}

bool Bounds::AdmitTransition(const TransitionEvent& event) {
  if (!IsNear(event.starts_at) || !IsNear(event.received_time)) return false;
  if (event.ends_at && !IsNear(*event.ends_at)) return false;
  if (event.active_at && !IsNear(*event.active_at)) return false;
  for (const auto& binding : event.bindings) {
    if (binding->tolerance > kToleranceMax || !AdmitQuery(binding->query)) return false;
  }
  return labels_by_alert_.emplace(std::pair(event.source, event.fingerprint), event.labels)
             .first->second == event.labels;
}

bool Bounds::AdmitSamples(const SampleBatch& batch) {
  for (const uint32_t number : batch.series_index) {
    if (!AdmitQuery(*batch.series[number]->query)) return false;
  }
  return std::all_of(batch.times.begin(), batch.times.end(), IsNear);
}

bool Bounds::Admit(const Event& event) {
  if (const auto* transition = TransitionOf(event)) return AdmitTransition(*transition);
  if (const auto* samples = std::get_if<SampleBatch>(&event)) return AdmitSamples(*samples);
  if (const auto* progress = std::get_if<QueryProgress>(&event)) {
    return IsNear(progress->complete_from) && IsNear(progress->complete_through) &&
           AdmitQuery(progress->query);
  }
  if (const auto* gap = std::get_if<Gap>(&event); gap != nullptr && gap->voids_progress) {
    return IsNear(*gap->from) && IsNear(*gap->through) && AdmitQuery(*gap->query);
  }
  if (const auto* error = std::get_if<QueryError>(&event)) return AdmitQuery(error->query);
  return true;
}

}  // namespace alertjoin
