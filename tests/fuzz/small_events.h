#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <map>
#include <string>
#include <utility>

#include "common/event/event.h"

namespace alertjoin {

// Makes valid events out of bytes. Everything comes from a few values near each other, so that
// coincidences are the rule: equal times, series that many alerts match, bindings that contradict
// each other. `data` must outlive this.
class SmallEvents {
 public:
  explicit SmallEvents(FuzzedDataProvider& data) : data_(data) {}
  Event Next();

 private:
  int64_t Upto(int64_t max) { return data_.ConsumeIntegralInRange<int64_t>(0, max); }
  Timestamp Time();
  double Value();
  Query SomeQuery();
  LabelSet AlertLabels();
  LabelSet SeriesLabels();
  Binding SomeBinding();
  TransitionEvent SomeTransition();
  SampleBatch SomeSamples();

  FuzzedDataProvider& data_;
};

// What the naive join can be asked to do, and what a source of events keeps to: times from 0 to 1 s
// after the epoch and tolerances up to 100 ms, since it takes a step for every millisecond; one
// time kind for a query, and one set of labels for an alert, since both follow from its identity.
class Bounds {
 public:
  // Whether the event keeps to them, along with those that were admitted before.
  bool Admit(const Event& event);

 private:
  bool AdmitQuery(const Query& query);
  bool AdmitTransition(const TransitionEvent& event);
  bool AdmitSamples(const SampleBatch& batch);

  std::map<Query, TimeKind> time_kinds_;
  std::map<std::pair<std::string, std::string>, LabelSet> labels_by_alert_;
};

}  // namespace alertjoin
