#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// What the naive join was told, as it was told, in the simplest form. Nothing is joined here.
struct NaiveTables {
  // The notifications of one alert, those of each start in the order in which they came.
  using Notifications = std::map<Timestamp, std::vector<TransitionEvent>>;

  void Add(std::span<const Event> batch);
  // The last sample of a series before the horizon stays.
  void Expire(Timestamp for_samples, Timestamp for_rows);

  std::map<std::pair<Query, LabelSet>, std::map<Timestamp, double>> samples;
  // Every millisecond of progress, without those that were ever made void.
  std::set<std::pair<Query, Timestamp>> covered, voided;
  std::map<Query, std::pair<Timestamp, std::string>> errors;            // The greatest.
  std::map<std::pair<std::string, std::string>, Notifications> alerts;  // By source, fingerprint.
  Timestamp sample_horizon = Timestamp::Min();
  Timestamp row_horizon = Timestamp::Min();
};

// Adds a notification to what describes a transition: the first one counts, and what was sent
// before what was found by reconciliation. Of the ends, the latest.
void NaiveAmend(Transition& described, const Transition& event);

// The latest time at which the notification knows its alert as firing.
Timestamp NaiveLastHeard(const Transition& event);

}  // namespace alertjoin
