#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/event/event.h"

namespace alertjoin {

// What the notifications of one alert said about one start of it: with its reports, an alert is
// known again after a restart. Cheap to copy.
struct AlertReport {
  // Of the notifications of one state.
  struct Side {
    std::shared_ptr<const Transition> first;  // That describes it (transition_report.h).
    std::vector<std::shared_ptr<const Binding>> bindings;  // Of all of them together.
  };

  std::string source;
  std::string fingerprint;
  Timestamp starts_at;
  std::optional<Side> firing;
  std::optional<Side> resolved;
  Timestamp last_reported;  // While firing.
  Timestamp received_time;  // Of the earliest of all.
  std::optional<Timestamp> ends_at;
  std::optional<Timestamp> active_at;  // The earliest of both sides.

  // Neither side: the report is gone.
  bool gone() const { return !firing && !resolved; }
};

}  // namespace alertjoin
